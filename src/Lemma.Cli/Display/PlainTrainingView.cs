using System.Diagnostics;
using System.Globalization;
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
        if (sinceLine.IsRunning && sinceLine.Elapsed < interval && value.ValidationLoss == null && value.Step < value.Steps)
            return;
        sinceLine.Restart();
        output.WriteLine(Line(value, entropy));
        output.Flush();
    }

    /// <summary>The largest load of an expert, where there are experts.</summary>
    public static string Experts(TrainingProgress progress) => progress.ExpertLoad is { } load
        ? string.Create(CultureInfo.InvariantCulture, $"  largest expert {load:0.00} of the mean") : "";

    public static string Line(TrainingProgress progress, double? entropy = null)
    {
        string validation = progress.ValidationLoss is { } loss ? $"  validation {Amount.Loss(loss)} (perplexity {Amount.Perplexity(loss)})"
            + (entropy is { } floor ? $", {Amount.Loss(loss - floor)} above the source" : "") : "";
        return $"step {progress.Step}/{progress.Steps}  loss {Amount.Loss(progress.Loss)}  perplexity "
            + $"{Amount.Perplexity(progress.Loss)}{validation}{Experts(progress)}  "
            + $"{Amount.Count(progress.TokensPerSecond)} tokens/s  {Amount.Time(progress.Remaining)} left";
    }
}
