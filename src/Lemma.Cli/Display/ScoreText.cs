using System.Globalization;
using Lemma.Training;

namespace Lemma.Cli.Display;

/// <summary>Scores and metrics of a run as words: "validation loss 1.2500 (validation perplexity 3.490)".</summary>
internal static class ScoreText
{
    /// <summary>A score with its further numbers; the entropy of the source is what a loss can sink to.</summary>
    public static string Of(Score score, double? entropy)
    {
        string others = score.Others.Count == 0 ? "" : $" ({string.Join(", ", score.Others.Select(Of))})";
        return Of(new Metric(score.Name, score.Value)) + others
            + (entropy is { } floor ? $", {Amount.Loss(score.Value - floor)} above the source" : "");
    }

    /// <summary>A name and a number of four digits.</summary>
    public static string Of(Metric metric) => $"{metric.Name.Replace('_', ' ')} {Number(metric.Value)}";

    /// <summary>Four decimals, or powers of ten where those would say little.</summary>
    public static string Number(double value) => Math.Abs(value) is (>= 1e-3 and < 1e5) or 0
        ? value.ToString("0.0000", CultureInfo.InvariantCulture) : value.ToString("0.000e+0", CultureInfo.InvariantCulture);
}
