namespace Lemma.Planning;

/// <summary>Costs of kinds of work from times of mixtures: min Σ (Σⱼ cⱼ·aᵢⱼ/tᵢ − 1)², c ≥ 0.</summary>
internal static class NonNegativeFit
{
    private const int Turns = 20_000;

    /// <summary>The costs of each column; relative errors count, so short times do as much as long ones.</summary>
    /// <param name="amounts">A row for each time, a column for each kind.</param>
    /// <param name="times">t, above 0.</param>
    public static double[] Fit(IReadOnlyList<double[]> amounts, IReadOnlyList<double> times)
    {
        int kinds = amounts[0].Length;
        double[] sizes = [.. Enumerable.Range(0, kinds).Select(kind => Math.Sqrt(Sum(i => Share(i, kind) * Share(i, kind))))];
        double[] costs = new double[kinds];
        // One cost after the other is set to its best, never below 0: slow near the end, but for a dozen numbers that is nothing.
        for (int turn = 0; turn < Turns; turn++)
        {
            for (int kind = 0; kind < kinds; kind++)
            {
                if (sizes[kind] == 0)
                    continue;
                int own = kind;
                double slope = Sum(i => Share(i, own) / sizes[own] * (1 - Relative(i)));
                costs[kind] = Math.Max(0, costs[kind] + slope);
            }
        }
        return [.. costs.Select((cost, kind) => sizes[kind] == 0 ? 0 : cost / sizes[kind])];

        double Share(int row, int kind) => amounts[row][kind] / times[row];

        double Relative(int row)
        {
            double sum = 0;
            for (int kind = 0; kind < kinds; kind++)
                sum += sizes[kind] == 0 ? 0 : costs[kind] * Share(row, kind) / sizes[kind];
            return sum;
        }

        double Sum(Func<int, double> of)
        {
            double sum = 0;
            for (int row = 0; row < times.Count; row++)
                sum += of(row);
            return sum;
        }
    }
}
