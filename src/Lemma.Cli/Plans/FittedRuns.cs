using Lemma.Cli.Runs;
using Lemma.Planning;

namespace Lemma.Cli.Plans;

/// <summary>Runs on disk as points of a law: parameters, tokens and loss, of each its end, or where runs are few also its evaluations.</summary>
/// <param name="Fit">The law.</param>
/// <param name="Runs">How many runs there are.</param>
internal sealed record FittedRuns(ScalingFit Fit, int Runs)
{
    private const int FewestRuns = 6;

    // The first third of a run is the loss of a young model, whatever its size.
    private const double Skipped = 1.0 / 3;

    public static FittedRuns Read(string[] folders, ScalingFitOptions options)
    {
        RunSummary[] runs = [.. folders.SelectMany(folder => Directory.Exists(folder) && !RunSummary.IsRun(folder) ? RunSummary.Beneath(folder) : [folder])
            .Select(RunSummary.Read)];
        if (runs.Length == 0)
            throw new InvalidDataException($"--fit: there is no run beneath {string.Join(", ", folders.Select(folder => $"'{folder}'"))}");
        List<ScalingRun> points = [];
        foreach (RunSummary run in runs)
        {
            ScalingRun[] along = [.. Along(run)];
            points.AddRange(runs.Length >= FewestRuns ? along[^1..] : along[(int)(along.Length * Skipped)..]);
        }
        return new FittedRuns(ScalingFit.To(points, options), runs.Length);
    }

    // The validation loss where a run has one, else the mean of the last twentieth of its steps.
    private static IEnumerable<ScalingRun> Along(RunSummary run)
    {
        double parameters = run.Parameters ?? throw new InvalidDataException($"--fit: '{run.Folder}' has no run.json, which says how many parameters there are");
        List<(long Step, double Value)> tokens = RunMetrics.Read(run.Folder, "timings.jsonl").Of("tokens");
        (long Step, double Value)[] validated = [.. run.Metrics.Of("validation_loss").Where(point => double.IsFinite(point.Value))];
        (long Step, double Value)[] losses = [.. run.Metrics.Of("loss").Where(point => double.IsFinite(point.Value))];
        if (losses.Length == 0 && validated.Length == 0)
            throw new InvalidDataException($"--fit: '{run.Folder}' has no losses");
        if (tokens.Count == 0)
            throw new InvalidDataException($"--fit: '{run.Folder}' has no timings.jsonl, which says how many tokens were read");
        if (validated.Length == 0)
            validated = [(losses[^1].Step, losses[^Math.Max(1, losses.Length / 20)..].Average(point => point.Value))];
        double read = 0;
        int at = 0;
        foreach ((long step, double loss) in validated)
        {
            for (; at < tokens.Count && tokens[at].Step <= step; at++)
                read += tokens[at].Value;
            yield return new ScalingRun(parameters, read, loss);
        }
    }
}
