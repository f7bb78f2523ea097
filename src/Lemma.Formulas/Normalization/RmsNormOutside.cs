namespace Lemma.Formulas;

/// <summary>y = x·r·g, with r = 1/(√(mean(x²)) + ε): the form with ε outside the root.</summary>
/// <remarks>
/// x, y: [rows, d]; g: [d]; r: [rows], kept for the backward. Differs from <see cref="RmsNorm"/> most where x is small. Zhang and Sennrich
/// 2019, eq. 4, with ε as their first code has it.
/// </remarks>
public static class RmsNormOutside
{
    /// <summary>y = x·r·g.</summary>
    public static void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> g, float epsilon, Span<float> y, Span<float> r)
    {
        Check.Rows("rms_norm", x.Length, g.Length);
        Check.SameLength("rms_norm", x.Length, y.Length);
        Check.SameLength("rms_norm", x.Length / g.Length, r.Length);
        int d = g.Length;
        for (int row = 0; row < r.Length; row++)
        {
            ReadOnlySpan<float> from = x.Slice(row * d, d);
            r[row] = 1 / (Root(from) + epsilon);
            RmsNorm.Scale(from, r[row], g, y.Slice(row * d, d));
        }
    }

    /// <summary>dx += r·(g∘dy) − x·(r²/(d·√(mean x²)))·⟨x, g∘dy⟩;  dg += Σ rows r·x∘dy.</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> g, ReadOnlySpan<float> r, ReadOnlySpan<float> dy, Span<float> dx,
        Span<float> dg)
    {
        Check.Rows("rms_norm", x.Length, g.Length);
        Check.SameLength("rms_norm", x.Length, dy.Length);
        Check.SameLength("rms_norm", x.Length, dx.Length);
        Check.SameLength("rms_norm", g.Length, dg.Length);
        Check.SameLength("rms_norm", x.Length / g.Length, r.Length);
        int d = g.Length;
        for (int row = 0; row < r.Length; row++)
        {
            ReadOnlySpan<float> from = x.Slice(row * d, d), up = dy.Slice(row * d, d);
            float root = Root(from), dot = RmsNorm.Dot(from, g, up);
            // A row of zeros has a root of 0 and no second term.
            float along = root > 0 ? -r[row] * r[row] / (d * root) * dot : 0;
            if (root > 0 && WideRows.Needs(r[row], dot))
                WideRows.AddScaled(from, g, r[row], (double)r[row] * r[row] / ((double)d * root), up, dx.Slice(row * d, d));
            else
                RmsNorm.AddInput(from, g, r[row], along, up, dx.Slice(row * d, d));
        }
        NormGains.Add(x, r, dy, dg);
    }

    private static float Root(ReadOnlySpan<float> x)
    {
        float square = Lanes.Dot(x, x) / x.Length;
        return WideRows.Needs(square) ? (float)Math.Sqrt(WideRows.MeanOfSquares(x)) : MathF.Sqrt(square);
    }
}
