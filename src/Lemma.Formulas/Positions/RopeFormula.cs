namespace Lemma.Formulas;

/// <summary>y = R(m)·x for every row at position m, with a scaling of the frequencies.</summary>
/// <remarks>
/// The whole of <see cref="Rope"/> and <see cref="RopeScaling"/> over rows in order; x: [.., T, d], the first row at a start.
/// </remarks>
public static class RopeFormula
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "rope",
        Group = "Positions",
        Text = "(a, b) ↦ (a·cos(m·θᵢ) − b·sin(m·θᵢ), b·cos(m·θᵢ) + a·sin(m·θᵢ)), θᵢ = θ^(−2·i/d)",
        Latex = """
            (a, b)\mapsto\left(a\cos m\theta_i - b\sin m\theta_i,\quad b\cos m\theta_i + a\sin m\theta_i\right)
            \theta_i = \theta^{-2i/d}
            """,
        Shapes = "x, y: [.., T, d], d even",
        Symbols = "interleaved: pairs (x₂ᵢ, x₂ᵢ₊₁), else (xᵢ, xᵢ₊d/2); start: first position; scaling: none, linear, ntk, dynamic, yarn, "
            + "llama3, longrope (short_factors, long_factors), proportional (share) with factor, trained_length",
        Source = "Su et al. 2021, RoFormer, eq. 34; Peng et al. 2023 for YaRN; Dubey et al. 2024 for llama3",
        Gradient = "dx += the turn back of dy",
        Notes = "q·k afterwards depends on the distance alone. The layouts are permutations of each other; concatenated halves are the "
            + "half-split one (correction 6).",
        Example = "x[2,7,8] theta=10000 interleaved=true start=3 scaling=yarn factor=4 trained_length=16",
        Evaluate = Evaluate,
    };

    /// <summary>Cosines and sines [T, d/2] of positions from a start on, times the scaling's magnitude.</summary>
    public static (float[] Cosines, float[] Sines) Angles(int start, int positions, int width, double theta, RopeScaling scaling)
    {
        ArgumentNullException.ThrowIfNull(scaling);
        double[] frequencies = scaling.Frequencies(width, theta, start + positions);
        float[] cosines = new float[positions * width / 2], sines = new float[cosines.Length];
        Rope.Angles(start, positions, frequencies, scaling.Magnitude, cosines, sines);
        return (cosines, sines);
    }

    /// <summary>y = R(m)·x; x: [sequences, T, d] for T positions of the angles.</summary>
    public static void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> cosines, ReadOnlySpan<float> sines, int width, bool interleaved,
        Span<float> y)
    {
        Check.SameLength("rope", x.Length, y.Length);
        Check.Rows("rope", x.Length, cosines.Length * 2);
        x.CopyTo(y);
        Turn(y, cosines, sines, width, interleaved, inverse: false);
    }

    /// <summary>dx += R(m)ᵀ·dy, the turn back.</summary>
    public static void Backward(ReadOnlySpan<float> dy, ReadOnlySpan<float> cosines, ReadOnlySpan<float> sines, int width, bool interleaved,
        Span<float> dx)
    {
        Check.SameLength("rope", dy.Length, dx.Length);
        float[] back = dy.ToArray();
        Turn(back, cosines, sines, width, interleaved, inverse: true);
        Lanes.AddScaled(back, 1, dx);
    }

    private static void Turn(Span<float> x, ReadOnlySpan<float> cosines, ReadOnlySpan<float> sines, int width, bool interleaved,
        bool inverse)
    {
        int half = width / 2, positions = cosines.Length / half;
        for (int row = 0; row < x.Length / width; row++)
        {
            int m = row % positions * half;
            Rope.Turn(x.Slice(row * width, width), cosines.Slice(m, half), sines.Slice(m, half), interleaved, inverse);
        }
    }

    internal static RopeScaling Scaling(FormulaCall call)
    {
        double factor = call.Number("factor", call.Number("linear_scale", 1));
        Check.That(factor > 0, "rope", $"the factor must be above 0, but it is {factor}");
        string name = call.Word("scaling", factor == 1 ? "none" : "linear");
        int trained = call.Whole("trained_length", 8192);
        return name switch
        {
            "none" => RopeScaling.None,
            "linear" => new LinearRopeScaling(factor),
            "ntk" => new NtkRopeScaling(factor),
            "dynamic" => new DynamicNtkRopeScaling(factor, trained),
            "yarn" => new YarnRopeScaling(factor, trained, call.Number("beta_fast", 32), call.Number("beta_slow", 1)),
            "llama3" => new Llama3RopeScaling(factor, call.Number("low_factor", 1), call.Number("high_factor", 4), trained),
            "longrope" => new LongRopeScaling([.. call.Numbers("short_factors") ?? []], [.. call.Numbers("long_factors") ?? []], factor, trained),
            "proportional" => new ProportionalRopeScaling(call.Number("share", 1), factor),
            _ => throw call.Error($"the scaling must be none, linear, ntk, dynamic, yarn, llama3, longrope or proportional, but it is {name}"),
        };
    }

    internal static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], y = x.Like();
        Check.That(x.Shape.Length >= 2, "rope", $"x must have positions and a width, but its shape is {x}");
        bool interleaved = call.Flag("interleaved", false);
        (float[] cosines, float[] sines) = Angles(call.Whole("start", 0), x.Shape[^2], x.Columns, call.Number("theta", 10000),
            Scaling(call));
        Forward(x, cosines, sines, x.Columns, interleaved, y);
        if (call.Backward(y, out float[]? dy))
            Backward(dy, cosines, sines, x.Columns, interleaved, call.Gradient("x"));
        return y;
    }
}
