using System.Text.Json;

namespace Lemma.Decoding.Constraints.Json;

/// <summary>Kinds of JSON values.</summary>
[Flags]
internal enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Number = 4,
    String = 8,
    Array = 16,
    Object = 32,
    All = 63,
}

/// <summary>A schema inside the document: what stands there, and its JSON pointer.</summary>
internal readonly record struct SchemaPart(JsonElement Element, string Pointer);

/// <summary>What one object of a schema says of the properties: by name, and of those that it does not name (null where it says nothing).</summary>
internal sealed record PropertyRules(IReadOnlyList<KeyValuePair<string, SchemaPart>> Named, SchemaPart? Others)
{
    private readonly Dictionary<string, SchemaPart> byName = new(Named.DistinctBy(static one => one.Key), StringComparer.Ordinal);

    /// <summary>What is said of a property; null where its name is not said and nothing of others.</summary>
    public SchemaPart? Of(string name) => byName.TryGetValue(name, out SchemaPart part) ? part : Others;
}

/// <summary>What one object of a schema says of the items: the first ones, and those behind them (null where it says nothing).</summary>
internal sealed record ItemRules(IReadOnlyList<SchemaPart> First, SchemaPart? Others);

/// <summary>Alternatives of which one must hold, or of which exactly one must.</summary>
internal sealed record AlternativeRules(IReadOnlyList<SchemaPart> Branches, bool IsExclusive, string Pointer);

/// <summary>What all parts of a schema say together, keyword by keyword.</summary>
internal sealed record Schema
{
    private const int MostCompared = 2_000;

    /// <summary>Where it stands; of several the first.</summary>
    public required string Pointer { get; init; }

    /// <summary>The kinds that it allows.</summary>
    public JsonTypes Types { get; init; } = JsonTypes.All;

    /// <summary>Whether the kinds were said, and not only what a kind must be like.</summary>
    public bool SaysTypes { get; init; }

    /// <summary>The kinds of which something is said.</summary>
    public JsonTypes Described { get; init; }

    /// <summary>Whether numbers are whole.</summary>
    public bool IsInteger { get; init; }

    /// <summary>The values that it allows; null for any.</summary>
    public IReadOnlyList<JsonElement>? Values { get; init; }

    /// <summary>The values that it does not allow.</summary>
    public IReadOnlyList<JsonElement> Excluded { get; init; } = [];

    /// <summary>The lower bound of numbers.</summary>
    public Bound? Least { get; init; }

    /// <summary>The upper one.</summary>
    public Bound? Most { get; init; }

    /// <summary>The most digits behind the point; null for any.</summary>
    public int? Places { get; init; }

    /// <summary>The fewest code points of strings, and the most.</summary>
    public (int Least, int? Most) Length { get; init; } = (0, null);

    /// <summary>Regular expressions that are found in strings, with their places.</summary>
    public IReadOnlyList<(string Pattern, string Pointer)> Patterns { get; init; } = [];

    /// <summary>Regular expressions that strings match as a whole.</summary>
    public IReadOnlyList<(string Pattern, string Pointer)> Formats { get; init; } = [];

    /// <summary>What is said of items.</summary>
    public IReadOnlyList<ItemRules> Items { get; init; } = [];

    /// <summary>The fewest items, and the most.</summary>
    public (int Least, int? Most) ItemCount { get; init; } = (0, null);

    /// <summary>What is said of properties.</summary>
    public IReadOnlyList<PropertyRules> Properties { get; init; } = [];

    /// <summary>Properties that must be there.</summary>
    public IReadOnlyList<string> Required { get; init; } = [];

    /// <summary>The fewest properties, and the most.</summary>
    public (int Least, int? Most) PropertyCount { get; init; } = (0, null);

    /// <summary>Alternatives that stand beside.</summary>
    public IReadOnlyList<AlternativeRules> Alternatives { get; init; } = [];

    /// <summary>What both say.</summary>
    public Schema And(Schema other) => this with
    {
        Types = Types & other.Types,
        SaysTypes = SaysTypes || other.SaysTypes,
        Described = Described | other.Described,
        IsInteger = IsInteger || other.IsInteger,
        Values = Values is null ? other.Values : other.Values is null ? Values
            : [.. Values.Where(value => Meets(value, other.Values))],
        Excluded = [.. Excluded, .. other.Excluded],
        Least = Stricter(Least, other.Least, 1),
        Most = Stricter(Most, other.Most, -1),
        Places = Places is null ? other.Places : other.Places is null ? Places : Math.Min(Places.Value, other.Places.Value),
        Length = Both(Length, other.Length),
        Patterns = [.. Patterns.Union(other.Patterns)],
        Formats = [.. Formats.Union(other.Formats)],
        Items = [.. Items, .. other.Items],
        ItemCount = Both(ItemCount, other.ItemCount),
        Properties = [.. Properties, .. other.Properties],
        Required = [.. Required.Union(other.Required)],
        PropertyCount = Both(PropertyCount, other.PropertyCount),
        Alternatives = [.. Alternatives, .. other.Alternatives],
    };

    /// <summary>Whether a value is among some, of which there may be so many that each is compared.</summary>
    public static bool Meets(JsonElement value, IReadOnlyList<JsonElement> values)
    {
        if (values.Count > MostCompared)
            throw new GrammarException($"schema: at most {MostCompared} values of a list are compared with others, but there are {values.Count}");
        return values.Any(one => JsonElement.DeepEquals(one, value));
    }

    private static (int Least, int? Most) Both((int Least, int? Most) x, (int Least, int? Most) y) =>
        (Math.Max(x.Least, y.Least), x.Most is null ? y.Most : y.Most is null ? x.Most : Math.Min(x.Most.Value, y.Most.Value));

    private static Bound? Stricter(Bound? x, Bound? y, int sign)
    {
        if (x is null || y is null)
            return x ?? y;
        int order = sign * x.Value.Value.CompareTo(y.Value.Value);
        return order > 0 || (order == 0 && x.Value.IsExclusive) ? x : y;
    }
}
