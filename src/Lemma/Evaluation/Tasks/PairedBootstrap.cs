using Lemma.Formulas;

namespace Lemma.Evaluation.Tasks;

/// <summary>What a score says of two models on the same items.</summary>
/// <param name="Name">The score.</param>
/// <param name="A">That of the first model.</param>
/// <param name="B">That of the second model.</param>
/// <param name="Lower">The lower end of the interval of A − B that holds 95 % of the draws.</param>
/// <param name="Upper">Its upper end.</param>
/// <param name="ShareForA">The share of draws in which A is better, equal ones with a half.</param>
public sealed record PairedDifference(string Name, double A, double B, double Lower, double Upper, double ShareForA)
{
    /// <summary>A − B.</summary>
    public double Difference => A - B;
}

/// <summary>Two models on the same items, by the paired bootstrap: items are drawn with replacement, for both models the same ones.</summary>
/// <remarks>
/// Efron and Tibshirani 1993, the percentile interval; Koehn 2004 for two systems on one test set. With an interval that holds 0 the items do not tell
/// which model is better. Draws depend on the seed and the number of items alone.
/// </remarks>
public static class PairedBootstrap
{
    /// <summary>The draws where nothing else is said.</summary>
    public const int Draws = 10_000;

    /// <summary>Compares a score of two models.</summary>
    /// <param name="a">That of the first.</param>
    /// <param name="b">That of the second, of the same items in the same order.</param>
    /// <param name="seed">The seed of the draws.</param>
    /// <param name="draws">How many; at least 40, so that 2.5 % of them are one.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public static PairedDifference Compare(TaskScore a, TaskScore b, ulong seed = 1, int draws = Draws, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        int n = a.Sums.Count;
        Require.That(a.Name == b.Name && n == b.Sums.Count && a.Weights.Count == n && b.Weights.Count == n,
            $"bootstrap: one score of the same items is compared, but here are '{a.Name}' of {n} and '{b.Name}' of {b.Sums.Count}");
        Require.That(n >= 2 && draws >= 40, $"bootstrap: at least 2 items and 40 draws are needed, but there are {n} and {draws}");
        double[] differences = new double[draws];
        double forA = 0;
        for (int draw = 0; draw < draws; draw++)
        {
            cancellation.ThrowIfCancellationRequested();
            Philox random = new(seed, (ulong)draw);
            (double sumA, double weightA, double sumB, double weightB) = (0, 0, 0, 0);
            for (int i = 0; i < n; i++)
            {
                int item = random.Below(n, (ulong)i);
                (sumA, weightA) = (sumA + a.Sums[item], weightA + a.Weights[item]);
                (sumB, weightB) = (sumB + b.Sums[item], weightB + b.Weights[item]);
            }
            double difference = differences[draw] = a.Of(sumA, weightA) - b.Of(sumB, weightB);
            forA += difference == 0 ? 0.5 : difference > 0 == a.IsHigherBetter ? 1 : 0;
        }
        Array.Sort(differences);
        int tail = draws / 40;
        return new(a.Name, a.Value, b.Value, differences[tail], differences[^(tail + 1)], forA / draws);
    }
}
