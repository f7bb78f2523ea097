namespace Lemma.Cli.Runs;

/// <summary>A number of a run along its steps.</summary>
/// <param name="Name">The run.</param>
/// <param name="Points">Steps and finite values, in order.</param>
internal sealed record RunCurve(string Name, IReadOnlyList<(long Step, double Value)> Points)
{
    /// <summary>The last step; 0 where there is no point.</summary>
    public long LastStep => Points.Count == 0 ? 0 : Points[^1].Step;

    public static RunCurve Of(RunSummary run, string metric) => new(run.Folder, [.. run.Metrics.Of(metric).Where(point => double.IsFinite(point.Value))]);

    /// <summary>The least and the largest value of all.</summary>
    public static (double Least, double Most) ScaleOf(IReadOnlyList<RunCurve> curves)
    {
        double[] values = [.. curves.SelectMany(curve => curve.Points).Select(point => point.Value)];
        return (values.Min(), values.Max());
    }

    /// <summary>At most so many points: means of neighbours.</summary>
    public IEnumerable<(double Step, double Value)> Reduced(int most)
    {
        int each = (Points.Count + most - 1) / most;
        return each == 0 ? [] : Points.Chunk(each).Select(some => (some.Average(point => point.Step), some.Average(point => point.Value)));
    }
}
