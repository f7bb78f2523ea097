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
        Latex = @"p(m, 2i) = \sin\frac{m}{10000^{2i/d}}\qquad p(m, 2i + 1) = \cos\frac{m}{10000^{2i/d}}",
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
        if (positions.Length < Step)
        {
            // Few rows share nothing, so that tables would only be garbage: the same numbers one by one.
            for (int row = 0; row < positions.Length; row++)
                Row(positions[row], width, y.Slice(row * width, width));
            return;
        }
        double[] frequencies = new double[width / 2];
        for (int i = 0; i < frequencies.Length; i++)
            frequencies[i] = Frequency(i, width);
        // m = 64a + b: sine and cosine of 64a and of each b are computed once, in double, and added by the angle sum.
        (double Sine, double Cosine)[] anchor = new (double, double)[frequencies.Length];
        (double Sine, double Cosine)[]?[] steps = new (double, double)[]?[Step];
        for (int row = 0; row < positions.Length; row++)
        {
            int offset = positions[row] & (Step - 1), start = positions[row] - offset;
            if (row == 0 || start != positions[row - 1] - (positions[row - 1] & (Step - 1)))
                Turn(frequencies, start, anchor);
            if (steps[offset] is not { } step)
                Turn(frequencies, offset, steps[offset] = step = new (double, double)[frequencies.Length]);
            Span<float> to = y.Slice(row * width, width);
            for (int i = 0; i < frequencies.Length; i++)
                (to[2 * i], to[2 * i + 1]) = Sum(anchor[i], step[i]);
        }
    }

    private const int Step = 64;

    private static double Frequency(int i, int width) => Math.Pow(10000, -2.0 * i / width);

    private static void Row(int position, int width, Span<float> to)
    {
        int offset = position & (Step - 1);
        for (int i = 0; i < width / 2; i++)
        {
            double frequency = Frequency(i, width);
            (to[2 * i], to[2 * i + 1]) = Sum(Math.SinCos((position - offset) * frequency), Math.SinCos(offset * frequency));
        }
    }

    private static (float Sine, float Cosine) Sum((double Sine, double Cosine) x, (double Sine, double Cosine) y) =>
        ((float)(x.Sine * y.Cosine + x.Cosine * y.Sine), (float)(x.Cosine * y.Cosine - x.Sine * y.Sine));

    private static void Turn(double[] frequencies, int position, Span<(double, double)> to)
    {
        for (int i = 0; i < frequencies.Length; i++)
            to[i] = Math.SinCos(position * frequencies[i]);
    }

    private static Values Evaluate(FormulaCall call)
    {
        int[] positions = call.Integers("positions");
        Values y = call.New(positions.Length, call.Whole("d_model"));
        Forward(positions, y.Columns, y);
        return y;
    }
}
