namespace Lemma.Formulas;

/// <summary>H(p) = −Σ p·log p, a row.</summary>
/// <remarks>p: [rows, n], distributions; H: [rows], in bits or nats, between 0 and log n. Shannon 1948, section 6.</remarks>
public static class Entropy
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "entropy",
        Group = "Information",
        Text = "H(p) = −Σ p·log p",
        Latex = @"H(p) = -\sum_i p_i\log p_i",
        Shapes = "p: [rows, n]; H: [rows]",
        Symbols = "unit: bits or nats; rows are distributions; 0·log 0 = 0",
        Source = "Shannon 1948, A mathematical theory of communication, section 6",
        Gradient = "dp += −(ln p + 1)·dH",
        Notes = "Between 0 and log n.",
        Example = "p[4,9]p unit=bits",
        Evaluate = Evaluate,
    };

    /// <summary>H of each row; <paramref name="unit"/> is how many of the unit a nat is.</summary>
    public static void Forward(ReadOnlySpan<float> p, int width, double unit, Span<float> y)
    {
        Check.Distributions("entropy", "p", p, width);
        Check.SameLength("entropy", p.Length / width, y.Length);
        for (int row = 0; row < y.Length; row++)
            y[row] = (float)(unit * Terms.Sum<EntropyTerm>(p.Slice(row * width, width)));
    }

    /// <summary>dp += −(ln p + 1)·dH, 0 where p is 0.</summary>
    public static void Backward(ReadOnlySpan<float> p, int width, double unit, ReadOnlySpan<float> dy, Span<float> dp)
    {
        Check.SameLength("entropy", p.Length, dp.Length);
        for (int row = 0; row < dy.Length; row++)
            Terms.AddSlopes<EntropyTerm>(p.Slice(row * width, width), (float)(unit * dy[row]), dp.Slice(row * width, width));
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values p = call["p"], y = new(p.Shape[..^1], new float[p.Rows]);
        double unit = InformationUnit.Read(call, "entropy");
        Forward(p, p.Columns, unit, y);
        if (call.Backward(y, out float[]? dy))
            Backward(p, p.Columns, unit, dy, call.Gradient("p"));
        return y;
    }
}
