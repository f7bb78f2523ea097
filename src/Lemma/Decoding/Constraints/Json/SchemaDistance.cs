namespace Lemma.Decoding.Constraints.Json;

/// <summary>Whether no value is of two schemas, as far as it can be told by types, values, bounds and properties: what oneOf needs.</summary>
internal sealed class SchemaDistance(SchemaReader reader)
{
    private const int MostDepth = 4;

    /// <summary>Whether no value is of both; false where it cannot be told.</summary>
    public bool AreApart(Schema one, Schema other, int depth)
    {
        JsonTypes common = TypesOf(one) & TypesOf(other);
        if (common == JsonTypes.None)
            return true;
        if (depth > MostDepth)
            return false;
        if (one.Values is not null && other.Values is not null)
            return !one.Values.Any(value => Schema.Meets(value, other.Values));
        foreach (JsonTypes type in Enum.GetValues<JsonTypes>().Where(static type => int.IsPow2((int)type)))
            if (common.HasFlag(type) && !AreApart(type, one, other, depth))
                return false;
        return true;
    }

    private bool AreApart(JsonTypes type, Schema one, Schema other, int depth) => type switch
    {
        JsonTypes.Number => AreApart(one.Most, other.Least) || AreApart(other.Most, one.Least),
        JsonTypes.String => one.Length.Most < other.Length.Least || other.Length.Most < one.Length.Least,
        JsonTypes.Array => one.ItemCount.Most < other.ItemCount.Least || other.ItemCount.Most < one.ItemCount.Least,
        JsonTypes.Object => one.Required.Union(other.Required).Any(name => AreApart(SchemaObjects.PartsOf(one, name), SchemaObjects.PartsOf(other, name), depth)),
        _ => false,
    };

    private static bool AreApart(Bound? most, Bound? least) => most is { } high && least is { } low
        && high.Value.CompareTo(low.Value) is var order && (order < 0 || (order == 0 && (high.IsExclusive || low.IsExclusive)));

    // A property that is there in every object of one schema, and that the other forbids or gives other values.
    private bool AreApart(IReadOnlyList<SchemaPart>? one, IReadOnlyList<SchemaPart>? other, int depth) =>
        one is null || other is null || AreApart(reader.Read(one), reader.Read(other), depth + 1);

    private static JsonTypes TypesOf(Schema schema) => schema.Values is null ? schema.Types
        : schema.Types & schema.Values.Aggregate(JsonTypes.None, static (types, value) => types | SchemaCompiler.TypeOf(value));
}
