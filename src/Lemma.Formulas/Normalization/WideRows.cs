namespace Lemma.Formulas;

/// <summary>Norms of the rare rows whose squares or sums leave float32's range: in double, by plain loops.</summary>
/// <remarks>What the fast loops gave tells whether a row is one of them, so that ordinary rows cost and give what they always did.</remarks>
internal static class WideRows
{
    // Between these the square of a number, and the cube of a norm's scale, are far from both ends of float32.
    private const float Smallest = 1e-30f, LargestScale = 1e12f;

    /// <summary>Whether a mean of squares with its ε must be taken in double: it overflowed, or part of it was cut off at zero.</summary>
    public static bool Needs(float square) => !(square >= Smallest && float.IsFinite(square));

    /// <summary>Whether a gradient must be: by the scale of a row and what the row sums to.</summary>
    public static bool Needs(float scale, float sum) => !(scale is > 1 / LargestScale and < LargestScale) || !float.IsFinite(sum);

    /// <summary>mean(x²).</summary>
    public static double MeanOfSquares(ReadOnlySpan<float> x)
    {
        double sum = 0;
        foreach (float value in x)
            sum += (double)value * value;
        return sum / x.Length;
    }

    /// <summary>dx += r·(g∘dy) − x·factor·⟨x, g∘dy⟩.</summary>
    public static void AddScaled(ReadOnlySpan<float> x, ReadOnlySpan<float> g, double r, double factor, ReadOnlySpan<float> dy,
        Span<float> dx)
    {
        double dot = 0;
        for (int i = 0; i < x.Length; i++)
            dot += (double)x[i] * g[i] * dy[i];
        // A row of zeros has no second term, however large the factor.
        double along = dot == 0 ? 0 : factor * dot;
        for (int i = 0; i < x.Length; i++)
            dx[i] += (float)(r * g[i] * dy[i] - along * x[i]);
    }

    /// <summary>y = γ·(x − μ)·r + β with μ and r of the row.</summary>
    public static (float Mean, float Scale) Normalize(ReadOnlySpan<float> x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta,
        double epsilon, Span<float> y)
    {
        double mean = 0, squares = 0;
        foreach (float value in x)
            mean += value;
        mean /= x.Length;
        foreach (float value in x)
            squares += (value - mean) * (value - mean);
        double r = 1 / Math.Sqrt(squares / x.Length + epsilon);
        for (int i = 0; i < x.Length; i++)
            y[i] = (float)((x[i] - mean) * r * gamma[i] + beta[i]);
        return ((float)mean, (float)r);
    }

    /// <summary>dx += r·(γ∘dy − mean(γ∘dy) − n·mean(n∘γ∘dy)), n = (x − μ)·r.</summary>
    public static void AddCentered(ReadOnlySpan<float> x, double mean, double r, ReadOnlySpan<float> gamma, ReadOnlySpan<float> dy,
        Span<float> dx)
    {
        double plain = 0, along = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double up = (double)gamma[i] * dy[i] / x.Length;
            plain += up;
            along += (x[i] - mean) * r * up;
        }
        for (int i = 0; i < x.Length; i++)
            dx[i] += (float)(r * ((double)gamma[i] * dy[i] - plain - (x[i] - mean) * r * along));
    }
}
