using System.Diagnostics;
using Lemma.Training;

namespace Lemma.Cli.Display;

/// <summary>One line every so often and one for every evaluation: for files and pipes.</summary>
internal sealed class PlainTrainingView(TextWriter output, TimeSpan interval, double? entropy = null)
    : ITrainingView, IProgress<TrainingProgress>
{
    private readonly Stopwatch sinceLine = new();

    public TrainingResult Show(Func<IProgress<TrainingProgress>, TrainingResult> train) => train(this);

    public void Report(TrainingProgress value)
    {
        if (sinceLine.IsRunning && sinceLine.Elapsed < interval && value.Score == null && value.Step < value.Steps)
            return;
        sinceLine.Restart();
        output.WriteLine(Line(value, entropy));
        output.Flush();
    }

    public static string Line(TrainingProgress progress, double? entropy = null)
    {
        string score = progress.Score is { } judged ? $"  {ScoreText.Of(judged, entropy)}" : "";
        return $"step {progress.Step}/{progress.Steps}  loss {Amount.Loss(progress.Loss)}{Metrics(progress)}{score}  "
            + $"{Amount.Count(progress.TokensPerSecond)} tokens/s  {Amount.Time(progress.Remaining)} left";
    }

    /// <summary>The recipe's own numbers of a step.</summary>
    public static string Metrics(TrainingProgress progress) => string.Concat(progress.Metrics.Select(metric => $"  {ScoreText.Of(metric)}"));
}
