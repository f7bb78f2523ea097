using System.Text.Json;
using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>Whether two configs compute the same: every choice, and numbers as closely as single precision holds them.</summary>
/// <remarks>What training alone uses, the ids of ends and the longest sequence say nothing of that.</remarks>
internal static class ConfigComparison
{
    private const double Tolerance = 1e-6;
    private static readonly HashSet<string> Ignored = ["dropout", "bos_token_id", "eos_token_id", "balance_weight", "maximum_length"];

    /// <summary>Where two configs differ first, in words; null where they do not.</summary>
    public static string? Difference(ModelConfig one, ModelConfig other)
    {
        using JsonDocument left = ToJson(one), right = ToJson(other);
        return Difference(left.RootElement, right.RootElement, "config");
    }

    private static JsonDocument ToJson(ModelConfig config)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
            new Own().Write(json, config);
        return JsonDocument.Parse(stream.ToArray());
    }

    private static string? Difference(JsonElement one, JsonElement other, string place)
    {
        if (one.ValueKind != other.ValueKind)
            return $"{place} is {one}, but would be {other}";
        switch (one.ValueKind)
        {
            case JsonValueKind.Object:
                IEnumerable<string> names = one.EnumerateObject().Concat(other.EnumerateObject()).Select(field => field.Name).Distinct();
                return names.Where(name => !Ignored.Contains(name)).Select(name => (one.TryGetProperty(name, out JsonElement left),
                    other.TryGetProperty(name, out JsonElement right)) switch
                {
                    (true, true) => Difference(left, right, $"{place}.{name}"),
                    (true, false) => $"{place}.{name} is {left}, but would be missing",
                    _ => $"{place}.{name} is missing, but would be {right}",
                }).FirstOrDefault(difference => difference is not null);
            case JsonValueKind.Array:
                return one.GetArrayLength() != other.GetArrayLength() ? $"{place} has {one.GetArrayLength()} entries, but would have {other.GetArrayLength()}"
                    : one.EnumerateArray().Zip(other.EnumerateArray()).Select((pair, i) => Difference(pair.First, pair.Second, $"{place}[{i}]"))
                        .FirstOrDefault(difference => difference is not null);
            case JsonValueKind.Number:
                (double left, double right) numbers = (one.GetDouble(), other.GetDouble());
                return Math.Abs(numbers.left - numbers.right) <= Tolerance * Math.Abs(numbers.left) ? null : $"{place} is {one}, but would be {other}";
            default:
                return one.GetRawText() == other.GetRawText() ? null : $"{place} is {one}, but would be {other}";
        }
    }
}
