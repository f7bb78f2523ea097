using System.Globalization;
using System.Text;
using Lemma.Decoding.Constraints.Nodes;

namespace Lemma.Decoding.Constraints.Gbnf;

/// <summary>Reads llama.cpp's grammar language: rules of literals, classes, groups, alternatives, repetitions and tokens.</summary>
/// <remarks>Source: grammars/README.md of llama.cpp. Negated tokens (!&lt;x&gt;) are refused, as what they match has no bytes.</remarks>
internal sealed class GbnfReader
{
    // What is repeated and repeated again is read this often.
    private const int MostRepeats = 8;

    private readonly int[] scalars;
    private readonly GrammarRules rules;
    private readonly Dictionary<string, int> numbers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> uses = new(StringComparer.Ordinal);
    private readonly HashSet<string> said = new(StringComparer.Ordinal);
    private int at, depth;

    private GbnfReader(string text, GrammarRules rules) =>
        (this.rules, scalars) = (rules, [.. text.EnumerateRunes().Select(static rune => rune.Value)]);

    /// <summary>The part that a rule is, with all rules added.</summary>
    /// <exception cref="GrammarException">The text is malformed or names a rule that it does not say.</exception>
    public static GrammarNode Read(string text, string root, GrammarRules rules)
    {
        GbnfReader reader = new(text, rules);
        reader.SkipSpace(newLines: true);
        while (reader.Peek() >= 0)
            reader.ReadRule();
        foreach ((string name, int place) in reader.uses)
            if (!reader.said.Contains(name))
            {
                reader.at = place;
                throw reader.Error($"the rule '{name}' must be said, but is only named");
            }
        return reader.said.Contains(root) ? new RuleNode(reader.numbers[root])
            : throw new GrammarException($"gbnf: there must be a rule '{root}', but there is none");
    }

    private int Peek(int ahead = 0) => at + ahead < scalars.Length ? scalars[at + ahead] : -1;

    private int Take() => at < scalars.Length ? scalars[at++] : throw Error("it must go on at its end");

    private bool TryTake(string token)
    {
        for (int i = 0; i < token.Length; i++)
            if (Peek(i) != token[i])
                return false;
        at += token.Length;
        return true;
    }

    private GrammarException Error(string rule)
    {
        int line = 1, column = 1;
        for (int i = 0; i < Math.Min(at, scalars.Length); i++)
            (line, column) = scalars[i] == '\n' ? (line + 1, 1) : (line, column + 1);
        return new GrammarException(string.Create(CultureInfo.InvariantCulture, $"gbnf: {rule}, line {line}, column {column}"));
    }

    private void SkipSpace(bool newLines)
    {
        while (true)
        {
            if (Peek() is ' ' or '\t' || (newLines && Peek() is '\n' or '\r'))
                at++;
            else if (Peek() == '#')
                while (Peek() is not (-1 or '\n' or '\r'))
                    at++;
            else
                return;
        }
    }

    private static bool IsName(int scalar) => scalar is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or (>= '0' and <= '9') or '-' or '_';

    private string ReadName()
    {
        StringBuilder name = new();
        while (IsName(Peek()))
            name.Append((char)Take());
        return name.Length > 0 ? name.ToString() : throw Error("the name of a rule is needed");
    }

    private int NumberOf(string name)
    {
        if (!numbers.TryGetValue(name, out int number))
            numbers[name] = number = rules.Add(name);
        return number;
    }

    private void ReadRule()
    {
        string name = ReadName();
        if (!said.Add(name))
            throw Error($"a rule must be said once, but '{name}' is said twice");
        SkipSpace(newLines: false);
        if (!TryTake("::="))
            throw Error("::= is needed behind the name of a rule");
        SkipSpace(newLines: true);
        rules[NumberOf(name)] = ReadChoices(isInside: false);
        if (Peek() is not (-1 or '\n' or '\r'))
            throw Error("a rule must end with its line");
        SkipSpace(newLines: true);
    }

    private GrammarNode ReadChoices(bool isInside)
    {
        if (++depth > rules.Limits.MaximumNesting)
            throw Error($"at most {rules.Limits.MaximumNesting} groups may stand in each other");
        List<GrammarNode> choices = [];
        do
        {
            SkipSpace(newLines: true);
            choices.Add(ReadSequence(isInside));
        }
        while (TryTake("|"));
        depth--;
        return GrammarNode.Choice(choices);
    }

    private GrammarNode ReadSequence(bool isInside)
    {
        List<GrammarNode> parts = [];
        while (true)
        {
            SkipSpace(isInside);
            if (Peek() is -1 or '|' or ')' or '\n' or '\r')
                return GrammarNode.Sequence(parts);
            parts.Add(ReadRepeats(ReadPart()));
        }
    }

    private GrammarNode ReadRepeats(GrammarNode part)
    {
        for (int times = 0; ; times++)
        {
            if (times > MostRepeats)
                throw Error($"a part may be repeated at most {MostRepeats} times over");
            if (TryTake("*"))
                part = new RepeatNode(part, 0, null);
            else if (TryTake("+"))
                part = new RepeatNode(part, 1, null);
            else if (TryTake("?"))
                part = new RepeatNode(part, 0, 1);
            else if (TryTake("{"))
                part = ReadBounds(part);
            else
                return part;
        }
    }

    private RepeatNode ReadBounds(GrammarNode part)
    {
        int? least = ReadNumber();
        bool isRange = TryTake(",");
        int? most = isRange ? ReadNumber() : least;
        if (!TryTake("}") || (least is null && most is null))
            throw Error("{n}, {n,} or {n,m} is needed");
        return most < least ? throw Error($"a repetition must go from the fewer to the more, but it goes from {least} to {most}")
            : new RepeatNode(part, least ?? 0, most);
    }

    private int? ReadNumber()
    {
        SkipSpace(newLines: false);
        long number = -1;
        for (; Peek() is >= '0' and <= '9'; at++)
            if ((number = (Math.Max(number, 0) * 10) + Peek() - '0') > rules.Limits.MaximumRepeat)
                throw Error($"at most {rules.Limits.MaximumRepeat} repetitions are known");
        SkipSpace(newLines: false);
        return number < 0 ? null : (int)number;
    }

    private GrammarNode ReadPart()
    {
        switch (Peek())
        {
            case '"':
                return ReadLiteral();
            case '[':
                return ReadClass();
            case '.':
                at++;
                return CodePoints.Lower(CodePointSet.All);
            case '<':
                return ReadToken();
            case '!':
                throw Error("what is any token but one has no bytes, so it is not supported");
            case '(':
                at++;
                GrammarNode inside = ReadChoices(isInside: true);
                SkipSpace(newLines: true);
                return TryTake(")") ? inside : throw Error("a group must be closed");
            case int next when IsName(next):
                int place = at;
                string name = ReadName();
                uses.TryAdd(name, place);
                return new RuleNode(NumberOf(name));
            default:
                throw Error("a literal, a class, a group, a token or the name of a rule is needed");
        }
    }

    private GrammarNode ReadLiteral()
    {
        at++;
        StringBuilder literal = new();
        while (Peek() != '"')
            literal.Append(new Rune(ReadCharacter()).ToString());
        at++;
        return GrammarNode.Text(literal.ToString());
    }

    private GrammarNode ReadClass()
    {
        at++;
        bool isNegative = TryTake("^");
        List<(int, int)> ranges = [];
        while (Peek() != ']')
        {
            int first = ReadCharacter(), last = first;
            if (Peek() == '-' && Peek(1) != ']')
            {
                at++;
                last = ReadCharacter();
            }
            ranges.Add(first <= last ? (first, last) : throw Error("a range must go from the lower to the higher"));
        }
        at++;
        CodePointSet set = CodePointSet.Of(ranges);
        return CodePoints.Lower(isNegative ? set.Complement() : set);
    }

    private int ReadCharacter()
    {
        int next = Take();
        if (next != '\\')
            return next;
        int letter = Take();
        return letter switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'x' => ReadHexadecimal(2),
            'u' => ReadHexadecimal(4),
            'U' => ReadHexadecimal(8),
            '\\' or '"' or '[' or ']' or '-' or '^' or '/' or '\'' or '.' => letter,
            _ => throw Error($"an escape must be known, but \\{new Rune(letter)} is not"),
        };
    }

    private int ReadHexadecimal(int digits)
    {
        long value = 0;
        for (int i = 0; i < digits; i++)
        {
            int digit = Take();
            value = digit < 0x80 && Uri.IsHexDigit((char)digit) ? (value << 4) + Convert.ToInt32(((char)digit).ToString(), 16)
                : throw Error($"{digits} hexadecimal digits are needed");
        }
        return value <= 0x10FFFF && value is < 0xD800 or > 0xDFFF ? (int)value : throw Error("a code point of Unicode is needed");
    }

    private TokenNode ReadToken()
    {
        if (TryTake("<["))
        {
            int id = ReadNumber() ?? throw Error("the number of a token is needed");
            return TryTake("]>") ? new TokenNode(null, id) : throw Error("a token must be closed by ]>");
        }
        int first = at;
        while (Take() != '>')
        {
        }
        return new TokenNode(string.Concat(scalars[first..at].Select(static scalar => new Rune(scalar).ToString())));
    }
}
