namespace Lemma.Cli.Bench;

/// <summary>The middle of some measurements: what a neighbour disturbs now and then does not move it.</summary>
internal static class Median
{
    /// <summary>The middle one, or the mean of the two in the middle.</summary>
    public static double Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
