using System.Globalization;
using Lemma.Cli.Display;

namespace Lemma.Cli.Doctor;

/// <summary>Rules from how a model decodes to what would make it faster.</summary>
internal static class ModelFindings
{
    private const double LittleShare = 0.5, WorthIt = 1.1;

    // Within the caches of usual processors; memory is no floor there.
    private const double CachedBytes = 64e6;

    public static IReadOnlyList<Finding> Of(Machine machine, ModelSpeed model)
    {
        List<Finding> findings = [];
        long need = model.WeightBytes + model.Cache.Bytes;
        if (need > machine.Room)
        {
            findings.Add(new(Severity.Slower, "model-memory", $"weights and the cache of {Amount.Count(model.Cache.Length)} tokens take {Amount.Bytes(need)}, but "
                + $"{Amount.Bytes(machine.Room)} are free", "a smaller type of weights or a shorter text"));
        }
        if (model.ReadBytes > CachedBytes && model.ShareOfFloor < LittleShare)
        {
            findings.Add(new(Severity.Slower, "far-from-floor", $"a token takes {Times(1 / model.ShareOfFloor)} times what reading its weights takes",
                "other programs, few cores for the type of weights, or many small layers: lemma bench decode says more"));
        }
        if (model.Others.MaxBy(other => other.TokensPerSecond) is { } best && best.TokensPerSecond > WorthIt * model.TokensPerSecond)
        {
            string also = string.Concat(model.Others.Where(other => other != best && other.TokensPerSecond > WorthIt * model.TokensPerSecond)
                .Select(other => $", {other.Type} {Tokens(other.TokensPerSecond)}"));
            findings.Add(new(Severity.Slower, "weight-type", $"as {best.Type} about {Tokens(best.TokensPerSecond)} tokens/s, "
                + $"{Times(best.TokensPerSecond / model.TokensPerSecond)} times as many{also}",
                $"lemma convert {model.Name} model.gguf --type {(best.Type == "Q4_K" ? "Q4_K_M" : best.Type)}; --text says what that costs"));
        }
        return findings;
    }

    private static string Tokens(double value) => value.ToString(value < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture);

    private static string Times(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);
}
