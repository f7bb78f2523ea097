using System.CommandLine;
using System.Globalization;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Cli.NGrams;

/// <summary>What stands beside a model's loss: that of an n-gram model of the same text, and that of one that knows nothing.</summary>
internal static class Baseline
{
    /// <summary>The usual order.</summary>
    public const int Order = 4;

    // Counting more takes more than a few seconds, and gains little.
    private const int MostTokens = 4_000_000;

    public static Option<int?> Choose() => Choice.Whole("--baseline", "The order of the n-gram model whose loss stands beside the model's; 0 for none",
        least: 0, most: NGramCounts.MostOrder, fallback: Order);

    /// <summary>"4-gram 5.9000, uniform 6.9315 nats a token" on what a run is judged by.</summary>
    public static string Of(Pretraining recipe, TokenDataset training, int order, int vocabularySize, int? end)
    {
        ReadOnlySpan<int> ids = training.Ids[..Math.Min(training.Count, MostTokens)];
        NGramCounts counts = NGramCounts.CountRun(ids, order, vocabularySize, NGramMarks.Same(end));
        NGramModel model = NGramModel.Estimate(counts, new KneserNeySmoothing());
        return Line(order, recipe.Baseline(model).Loss, Math.Log(vocabularySize), training.Count > MostTokens ? $" of {Amount.Count(MostTokens)} tokens" : "");
    }

    /// <summary>The n-grams of texts; the mark may stand inside of one, and parts it then.</summary>
    public static NGramCounts Count(int[][] texts, int order, int vocabularySize, NGramMarks marks) => marks.End is null
        ? NGramCounts.Count(texts.Select(text => (ReadOnlyMemory<int>)text), order, vocabularySize, marks)
        : NGramCounts.CountRun(TokenDataset.Pack(texts, marks.End).Ids, order, vocabularySize, marks);

    /// <summary>The losses of others in one line.</summary>
    public static string Line(int order, double loss, double uniform, string of = "") =>
        string.Create(CultureInfo.InvariantCulture, $"{order}-gram{of} {loss:0.0000}, uniform {uniform:0.0000} nats a token");

    /// <summary>The model's loss before those of others.</summary>
    public static string Beside(double loss, string others) => $"model {Amount.Loss(loss)}, {others}";
}
