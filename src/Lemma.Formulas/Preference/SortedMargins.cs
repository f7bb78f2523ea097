namespace Lemma.Formulas;

/// <summary>E[t(δ)], δ = sort(a − b) − sort(c − d): the k-th smallest beside the k-th smallest, t the logistic loss.</summary>
internal readonly struct SortedMargins
{
    private readonly int[] upper, lower;
    private readonly float[] high, low;

    public SortedMargins(ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, ReadOnlySpan<float> d)
    {
        (high, upper) = Sorted(a, b);
        (low, lower) = Sorted(c, d);
    }

    /// <summary>E[−(1 − ε)·ln σ(β·δ) − ε·ln σ(−β·δ)]; 0 without pairs.</summary>
    public double Mean(double beta, double smoothing) =>
        high.Length == 0 ? 0 : Margins.Sum(new LogSigmoidTerm(beta, 0, smoothing), high, low) / high.Length;

    /// <summary>da += β/N·t'(δ)·dL, dd += the same;  db −= the same, dc −= the same: each at the place that its number came from.</summary>
    public void AddSlopes(double beta, double smoothing, double dy, Span<float> da, Span<float> db, Span<float> dc, Span<float> dd)
    {
        float[] slopes = new float[high.Length];
        Margins.AddSlopes(new LogSigmoidTerm(beta, 0, smoothing), high, low, dy * beta / high.Length, slopes);
        for (int k = 0; k < slopes.Length; k++)
        {
            da[upper[k]] += slopes[k];
            db[upper[k]] -= slopes[k];
            dc[lower[k]] -= slopes[k];
            dd[lower[k]] += slopes[k];
        }
    }

    private static (float[] Differences, int[] Places) Sorted(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        float[] differences = new float[a.Length];
        int[] places = new int[a.Length];
        for (int i = 0; i < a.Length; i++)
            (differences[i], places[i]) = ((float)((double)a[i] - b[i]), i);
        Array.Sort(differences, places);
        return (differences, places);
    }
}
