using System.Text;
using Lemma.Decoding.Constraints.Nodes;

namespace Lemma.Decoding.Constraints.Json;

/// <summary>The parts of JSON that every grammar of JSON shares: RFC 8259, with white space and numbers of bounded length.</summary>
internal sealed class JsonRules
{
    // A number has at most so many digits before and behind the point, and in its exponent: no text is stuck in a number, and each is finite in double precision.
    private const int MostDigits = 17, MostExponent = 2;
    private static readonly CodePointSet Plain = CodePointSet.Of([(0x20, 0x21), (0x23, 0x5B), (0x5D, 0xD7FF), (0xE000, 0x10FFFF)]);
    private static readonly GrammarNode Hexadecimal = Bytes("0123456789abcdefABCDEF");
    private readonly Dictionary<CodePointSet, GrammarNode> lowered = new(ReferenceEqualityComparer.Instance);
    private GrammarNode? anyObject, anyArray, anyValue, anyString, anyCharacter;

    /// <summary>The parts, whose rules are added as they are asked for.</summary>
    public JsonRules(GrammarRules rules, JsonGrammarOptions options)
    {
        Rules = rules;
        Space = !options.AllowsWhitespace ? GrammarNode.Nothing : Rule("space", GrammarNode.Optional(GrammarNode.Choice(GrammarNode.Text(" "),
            GrammarNode.Sequence(GrammarNode.Text("\n"), new RepeatNode(GrammarNode.Text(" "), 0, options.MaximumIndent)))));
    }

    /// <summary>Where rules are added.</summary>
    public GrammarRules Rules { get; }

    /// <summary>The white space that may stand where it has no meaning.</summary>
    public GrammarNode Space { get; }

    /// <summary>A decimal digit.</summary>
    public static GrammarNode Digit { get; } = new ByteNode(ByteSet.Range('0', '9'));

    /// <summary>A digit but 0.</summary>
    public static GrammarNode FirstDigit { get; } = new ByteNode(ByteSet.Range('1', '9'));

    /// <summary>A whole number.</summary>
    public static GrammarNode Integer { get; } = GrammarNode.Sequence(GrammarNode.Optional(GrammarNode.Text("-")), Whole());

    /// <summary>A number.</summary>
    public static GrammarNode Number { get; } = GrammarNode.Sequence(Integer,
        GrammarNode.Optional(GrammarNode.Sequence(GrammarNode.Text("."), new RepeatNode(Digit, 1, MostDigits))),
        GrammarNode.Optional(GrammarNode.Sequence(Bytes("eE"), GrammarNode.Optional(Bytes("+-")), new RepeatNode(Digit, 1, MostExponent))));

    /// <summary>Any object.</summary>
    public GrammarNode AnyObject => anyObject ??= Named("object", node => anyObject = node, () => Braced("{", "}",
        List(GrammarNode.Sequence(AnyString, GrammarNode.Text(":"), Space, AnyValue), 0, null)));

    /// <summary>Any array.</summary>
    public GrammarNode AnyArray => anyArray ??= Named("array", node => anyArray = node, () => Braced("[", "]", List(AnyValue, 0, null)));

    /// <summary>Any value.</summary>
    public GrammarNode AnyValue => anyValue ??= Named("value", node => anyValue = node, () => GrammarNode.Choice(AnyObject, AnyArray, AnyString, Number,
        GrammarNode.Text("true"), GrammarNode.Text("false"), GrammarNode.Text("null")));

    /// <summary>Any string.</summary>
    public GrammarNode AnyString => anyString ??= Rule("string", Quoted(new RepeatNode(AnyCharacter, 0, null)));

    /// <summary>One code point of a string, escaped in any way.</summary>
    public GrammarNode AnyCharacter => anyCharacter ??= Rule("character", GrammarNode.Choice(CodePoints.Lower(Plain), GrammarNode.Sequence(GrammarNode.Text("\\"),
        GrammarNode.Choice(Bytes("\"\\/bfnrt"), GrammarNode.Sequence(GrammarNode.Text("u"), EscapedUnits())))));

    /// <summary>A rule of a name.</summary>
    public GrammarNode Rule(string name, GrammarNode body) => new RuleNode(Rules.Add(name, body));

    /// <summary>A rule that its own body may name.</summary>
    public GrammarNode Named(string name, Action<GrammarNode> known, Func<GrammarNode> body)
    {
        int rule = Rules.Add(name);
        RuleNode node = new(rule);
        known(node);
        Rules[rule] = body();
        return node;
    }

    /// <summary>A string in quotation marks.</summary>
    public static GrammarNode Quoted(GrammarNode body) => GrammarNode.Sequence(GrammarNode.Text("\""), body, GrammarNode.Text("\""));

    /// <summary>A body with the white space inside its brackets.</summary>
    public GrammarNode Braced(string open, string close, GrammarNode body) =>
        GrammarNode.Sequence(GrammarNode.Text(open), Space, body, GrammarNode.Text(close));

    /// <summary>A number of items with commas between and white space behind; nothing at all for none.</summary>
    public GrammarNode List(GrammarNode item, int least, int? most)
    {
        if (most == 0)
            return GrammarNode.Nothing;
        GrammarNode some = GrammarNode.Sequence(item, new RepeatNode(GrammarNode.Sequence(Comma, item), Math.Max(least, 1) - 1, most - 1), Space);
        return least == 0 ? GrammarNode.Optional(some) : some;
    }

    /// <summary>The comma with the white space behind it.</summary>
    public GrammarNode Comma => GrammarNode.Sequence(GrammarNode.Text(","), Space);

    /// <summary>A code point of a set inside a string: as it is, or escaped where JSON asks for it.</summary>
    public GrammarNode Character(CodePointSet set)
    {
        if (lowered.TryGetValue(set, out GrammarNode? known))
            return known;
        List<GrammarNode> choices = [];
        CodePointSet plain = set.Intersect(Plain);
        if (!plain.IsEmpty)
            choices.Add(CodePoints.Lower(plain));
        for (int scalar = 0; scalar <= '\\'; scalar++)
            if (scalar is < 0x20 or '"' or '\\' && set.Contains(scalar))
                choices.Add(GrammarNode.Text(Escaped(((char)scalar).ToString())));
        return lowered[set] = GrammarNode.Choice(choices);
    }

    /// <summary>A text as a JSON string has it between its quotation marks, with no more escapes than it needs.</summary>
    public static string Escaped(string text)
    {
        StringBuilder escaped = new(text.Length);
        foreach (char c in text)
            _ = c switch
            {
                '"' => escaped.Append("\\\""),
                '\\' => escaped.Append("\\\\"),
                '\b' => escaped.Append("\\b"),
                '\f' => escaped.Append("\\f"),
                '\n' => escaped.Append("\\n"),
                '\r' => escaped.Append("\\r"),
                '\t' => escaped.Append("\\t"),
                < ' ' => escaped.Append("\\u00").Append(((int)c).ToString("x2", System.Globalization.CultureInfo.InvariantCulture)),
                _ => escaped.Append(c),
            };
        return escaped.ToString();
    }

    /// <summary>One of the ASCII characters of a text.</summary>
    public static GrammarNode Bytes(string characters) =>
        new ByteNode(characters.Aggregate(default(ByteSet), static (set, c) => set.Union(ByteSet.Range(c, c))));

    private static GrammarNode Whole() => GrammarNode.Choice(GrammarNode.Text("0"),
        GrammarNode.Sequence(FirstDigit, new RepeatNode(Digit, 0, MostDigits - 1)));

    // Four digits that are no half of a surrogate pair, or both halves.
    private static GrammarNode EscapedUnits()
    {
        GrammarNode two = GrammarNode.Sequence(Hexadecimal, Hexadecimal), d = Bytes("dD");
        return GrammarNode.Choice(GrammarNode.Sequence(Bytes("0123456789abcefABCEF"), Hexadecimal, two),
            GrammarNode.Sequence(d, GrammarNode.Choice(GrammarNode.Sequence(Bytes("01234567"), two),
                GrammarNode.Sequence(Bytes("89abAB"), two, GrammarNode.Text("\\u"), d, Bytes("cdefCDEF"), two))));
    }
}
