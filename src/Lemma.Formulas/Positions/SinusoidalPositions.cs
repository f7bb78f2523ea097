namespace Lemma.Formulas;

/// <summary>p(m, 2i) = sin(m/10000^(2i/d)), p(m, 2i + 1) = cos(m/10000^(2i/d)).</summary>
/// <remarks>m: [positions]; p: [positions, d], d even. Vaswani et al. 2017, section 3.5.</remarks>
public static class SinusoidalPositions
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "sinusoidal_positions",
        Group = "Positions",
        Text = "p(m, 2i) = sin(m/10000^(2·i/d)), p(m, 2i + 1) = cos(m/10000^(2·i/d))",
        Shapes = "positions (m): [T]; p: [T, d]",
        Symbols = "d (d_model) even",
        Source = "Vaswani et al. 2017, Attention is all you need, section 3.5",
        Gradient = "None: positions are whole numbers",
        IsDifferentiable = false,
        Kind = FormulaKind.Elementwise,
        Example = "positions[7]# d_model=8",
        Evaluate = Evaluate,
    };

    /// <summary>p of each position.</summary>
    public static void Forward(ReadOnlySpan<int> positions, int width, Span<float> y)
    {
        Check.That(width > 0 && width % 2 == 0, "sinusoidal_positions", $"the width must be even, but it is {width}");
        Check.SameLength("sinusoidal_positions", positions.Length * width, y.Length);
        for (int row = 0; row < positions.Length; row++)
        {
            for (int i = 0; i < width; i += 2)
            {
                (double sine, double cosine) = Math.SinCos(positions[row] * Math.Pow(10000, -(double)i / width));
                (y[row * width + i], y[row * width + i + 1]) = ((float)sine, (float)cosine);
            }
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        int[] positions = call.Integers("positions");
        Values y = call.New(positions.Length, call.Whole("d_model"));
        Forward(positions, y.Columns, y);
        return y;
    }
}
