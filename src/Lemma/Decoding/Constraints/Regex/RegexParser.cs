using System.Globalization;
using System.Text;
using Lemma.Decoding.Constraints.Nodes;
using Lemma.Text.Patterns;

namespace Lemma.Decoding.Constraints.Regex;

/// <summary>Reads the part of ECMAScript's regular expressions that an automaton knows, over code points (docs/constraints.md).</summary>
internal sealed class RegexParser
{
    private static readonly CodePointSet Digits = CodePointSet.Of([('0', '9')]);
    private static readonly CodePointSet Words = CodePointSet.Of([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]);
    private static readonly CodePointSet Spaces = CodePointSet.Of([(9, 13), (32, 32), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
        (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)]);

    // What other dialects count beside, so that a set of all others is one in each of them.
    private static readonly CodePointSet MoreDigits = Property("nd"), MoreWords = Property("word").Union(Property("m")),
        MoreSpaces = Property("space").Union(Spaces);

    private static readonly CodePointSet LineEnds = CodePointSet.Of([(10, 10), (13, 13), (0x85, 0x85), (0x2028, 0x2029)]);
    private readonly string pattern;
    private readonly int[] scalars;
    private readonly GrammarLimits limits;
    private int at, depth;
    private bool ignoresCase;

    private RegexParser(string pattern, GrammarLimits limits) =>
        (this.pattern, this.limits, scalars) = (pattern, limits, [.. pattern.EnumerateRunes().Select(static rune => rune.Value)]);

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="GrammarException">It is malformed or has what no automaton knows.</exception>
    public static RegexPattern Parse(string pattern, GrammarLimits limits)
    {
        RegexParser parser = new(pattern, limits);
        parser.ignoresCase = parser.TryTake("(?i)");
        List<RegexBranch> branches = [];
        do
            branches.Add(parser.ReadBranch());
        while (parser.TryTake("|"));
        return parser.at == parser.scalars.Length ? new RegexPattern(branches) : throw parser.Error("must open the group that it closes");
    }

    private static CodePointSet? Find(string property) => UnicodeProperty.Find(property) is { } ranges ? CodePointSet.Of(ranges) : null;

    private static CodePointSet Property(string name) => Find(name)!;

    private static CodePointSet WithAllCases(CodePointSet set) => CodePointSet.Of(UnicodeProperty.WithAllCases(set.Ranges));

    private int Peek(int ahead = 0) => at + ahead < scalars.Length ? scalars[at + ahead] : -1;

    private int Take() => at < scalars.Length ? scalars[at++] : throw Error("must go on at its end");

    private bool TryTake(string text)
    {
        for (int i = 0; i < text.Length; i++)
            if (Peek(i) != text[i])
                return false;
        at += text.Length;
        return true;
    }

    private GrammarException Error(string rule) => new(string.Create(CultureInfo.InvariantCulture,
        $"regex: '{(pattern.Length <= 60 ? pattern : pattern[..60] + "...")}' {rule}, character {at + 1}"));

    private RegexBranch ReadBranch()
    {
        bool atStart = TryTake("^");
        RegexNode body = ReadSequence(isOuter: true);
        return new RegexBranch(body, atStart, TryTake("$"));
    }

    private RegexNode ReadChoices()
    {
        if (++depth > limits.MaximumNesting)
            throw Error($"must have at most {limits.MaximumNesting} groups in each other");
        List<RegexNode> choices = [];
        do
            choices.Add(ReadSequence(isOuter: false));
        while (TryTake("|"));
        depth--;
        return choices.Count == 1 ? choices[0] : new RegexChoice(choices);
    }

    private RegexNode ReadSequence(bool isOuter)
    {
        List<RegexNode> parts = [];
        while (Peek() is not (-1 or '|' or ')'))
        {
            if (Peek() == '$' && isOuter && Peek(1) is -1 or '|')
                break;
            parts.Add(ReadRepeats(ReadPart()));
        }
        return parts.Count == 1 ? parts[0] : new RegexSequence(parts);
    }

    private RegexNode ReadRepeats(RegexNode body)
    {
        (int Least, int? Most)? bounds = Peek() switch
        {
            '*' => (0, null),
            '+' => (1, null),
            '?' => (0, 1),
            '{' => null,
            _ => (-1, null),
        };
        if (bounds is { Least: -1 })
            return body;
        if (bounds is null)
            bounds = ReadBounds();
        else
            at++;
        // As few as possible is the same set of texts.
        TryTake("?");
        if (Peek() is '*' or '+' or '{' or '?')
            throw Error("must repeat a part once, and not possessively");
        return new RegexRepeat(body, bounds.Value.Least, bounds.Value.Most);
    }

    private (int Least, int? Most) ReadBounds()
    {
        at++;
        int least = ReadNumber() ?? throw Error("must have a number behind {");
        int? most = least;
        if (TryTake(","))
            most = ReadNumber();
        if (!TryTake("}"))
            throw Error("must close its {");
        return most < least ? throw Error($"must repeat from the fewer to the more times, but from {least} to {most}") : (least, most);
    }

    private int? ReadNumber()
    {
        long number = -1;
        for (; Peek() is >= '0' and <= '9'; at++)
            if ((number = (Math.Max(number, 0) * 10) + Peek() - '0') > limits.MaximumRepeat)
                throw Error($"must repeat at most {limits.MaximumRepeat} times");
        return number < 0 ? null : (int)number;
    }

    private RegexNode ReadPart()
    {
        int next = Take();
        switch (next)
        {
            case '.':
                return new RegexSet(LineEnds.Complement());
            case '[':
                return new RegexSet(ReadClass());
            case '(':
                return ReadGroup();
            case '\\':
                return ReadEscape();
            case '^' or '$':
                at--;
                throw Error("must have ^ and $ only at the start and the end of the whole or of one of its outer alternatives");
            case '*' or '+' or '?' or '{' or '}' or ']':
                at--;
                throw Error($"must have something to repeat or to close before '{(char)next}', or escape it");
            default:
                return Character(next);
        }
    }

    private RegexNode ReadGroup()
    {
        if (TryTake("?"))
        {
            if (Peek() is '=' or '!' || (Peek() == '<' && Peek(1) is '=' or '!'))
                throw Error("must have no look-around, which no automaton of this kind knows");
            if (TryTake("<") || TryTake("P<") || TryTake("'"))
            {
                while (Take() is not ('>' or '\''))
                {
                }
            }
            else if (!TryTake(":"))
                throw Error("must have a group that is known: (...), (?:...) or (?<name>...)");
        }
        RegexNode body = ReadChoices();
        return TryTake(")") ? body : throw Error("must close its group");
    }

    private RegexSet ReadEscape()
    {
        if (Peek() is 'b' or 'B' or 'A' or 'z' or 'Z' or 'G')
            throw Error($"must have no condition of a place such as \\{(char)Peek()}");
        return ReadSetEscape() is { } set ? new RegexSet(set) : Character(ReadCharacterEscape());
    }

    private RegexSet Character(int scalar) => new(ignoresCase ? WithAllCases(CodePointSet.Of(scalar)) : CodePointSet.Of(scalar));

    private CodePointSet? ReadSetEscape()
    {
        CodePointSet? set = Peek() switch
        {
            'd' => Digits,
            'D' => MoreDigits.Complement(),
            'w' => Words,
            'W' => MoreWords.Complement(),
            's' => Spaces,
            'S' => MoreSpaces.Complement(),
            _ => null,
        };
        if (set is not null)
            at++;
        else if (Peek() is 'p' or 'P' && Peek(1) == '{')
            return ReadProperty();
        return set;
    }

    private CodePointSet ReadProperty()
    {
        bool isNegative = Take() == 'P';
        at++;
        StringBuilder name = new();
        while (Peek() != '}')
            name.Append(new Rune(Take()).ToString());
        at++;
        string plain = name.ToString();
        // Script=Greek and General_Category=Lu name the same as Greek and Lu.
        plain = plain[(plain.IndexOf('=', StringComparison.Ordinal) + 1)..];
        CodePointSet set = Find(plain) ?? throw Error($"must name a property that is known, but names '{name}'");
        return isNegative ? set.Complement() : set;
    }

    private int ReadCharacterEscape()
    {
        int letter = Take();
        switch (letter)
        {
            case 't':
                return '\t';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 'f':
                return '\f';
            case 'v':
                return '\v';
            case '0' when Peek() is not (>= '0' and <= '9'):
                return 0;
            case 'x':
                return ReadHexadecimal(2);
            case 'u' when TryTake("{"):
                int braced = ReadHexadecimal(0);
                return TryTake("}") ? braced : throw Error("must close its \\u{");
            case 'u':
                int high = ReadHexadecimal(4, mayBeHalf: true);
                if (high is < 0xD800 or > 0xDFFF)
                    return high;
                int low = high < 0xDC00 && TryTake("\\u") ? ReadHexadecimal(4, mayBeHalf: true) : 0;
                return low is >= 0xDC00 and <= 0xDFFF ? 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
                    : throw Error("must have both halves of a surrogate pair");
            case 'c' when Peek() is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z'):
                return Take() & 0x1F;
            case (>= '0' and <= '9') or 'k':
                throw Error("must have no back-reference, which no automaton of this kind knows");
            case (>= 'a' and <= 'z') or (>= 'A' and <= 'Z'):
                throw Error($"must have an escape that is known, but has \\{(char)letter}");
            default:
                return letter;
        }
    }

    // So many digits; any number of them, at least one, for 0.
    private int ReadHexadecimal(int digits, bool mayBeHalf = false)
    {
        int value = 0, count = 0;
        for (; (digits == 0 || count < digits) && Peek() is >= 0 and < 0x80 && Uri.IsHexDigit((char)Peek()) && value <= 0x10FFFF; count++)
            value = (value << 4) + Convert.ToInt32(((char)Take()).ToString(), 16);
        return count == 0 || count < digits || value > 0x10FFFF || (!mayBeHalf && value is >= 0xD800 and <= 0xDFFF)
            ? throw Error("must name a code point by its hexadecimal digits") : value;
    }

    private CodePointSet ReadClass()
    {
        bool isNegative = TryTake("^");
        List<CodePointSet> sets = [];
        while (Peek() != ']')
        {
            if (Peek() == '[' && Peek(1) == ':')
                throw Error("must have no POSIX class; [A-Za-z] and \\p{L} say what is meant");
            if (ReadOne() is not { } first)
            {
                sets.Add(lastSet!);
                continue;
            }
            if (Peek() != '-' || Peek(1) is ']' or -1)
            {
                sets.Add(CodePointSet.Of(first));
                continue;
            }
            at++;
            int last = ReadOne() ?? throw Error("must have a character at the end of a range");
            sets.Add(first <= last ? CodePointSet.Of([(first, last)]) : throw Error("must have its ranges from the lower to the higher"));
        }
        at++;
        CodePointSet all = CodePointSet.Of(sets.SelectMany(static set => set.Ranges.ToArray()));
        all = ignoresCase ? WithAllCases(all) : all;
        return isNegative ? all.Complement() : all;
    }

    private CodePointSet? lastSet;

    // A character in brackets, or null for a set, which is the last one.
    private int? ReadOne()
    {
        if (!TryTake("\\"))
            return Take();
        lastSet = ReadSetEscape();
        if (lastSet is not null)
            return null;
        return TryTake("b") ? '\b' : Peek() == '-' ? Take() : ReadCharacterEscape();
    }
}
