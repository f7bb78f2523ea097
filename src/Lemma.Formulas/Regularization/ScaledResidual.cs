using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>y = x + m·f(x).</summary>
/// <remarks>x, f, y: one shape. So that a deep stream grows no faster than a shallow one. Granite Team 2024; Yang et al. 2023, Tensor programs VI.</remarks>
public static class ScaledResidual
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "scaled_residual",
        Group = "Regularization",
        Text = "y = x + m·f(x)",
        Latex = @"y = x + m\cdot f(x)",
        Shapes = "x, f, y: one shape",
        Symbols = "f: the value of the branch; m: multiplier, such as 0.22",
        Source = "Granite Team 2024, Granite 3.0 language models; Yang et al. 2023, Tensor programs VI, section 3",
        Gradient = "dx += dy, df += m·dy",
        Notes = "The multipliers of Granite's embeddings, scores and logits are numbers of the same kind.",
        Kind = FormulaKind.Elementwise,
        Example = "x[3,33] f[3,33] multiplier=0.22",
        Evaluate = Evaluate,
    };

    /// <summary>y = x + m·f; y may be x.</summary>
    public static void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> f, float multiplier, Span<float> y)
    {
        Check.SameLength("scaled_residual", x.Length, f.Length);
        Check.SameLength("scaled_residual", x.Length, y.Length);
        TensorPrimitives.FusedMultiplyAdd(f, multiplier, x, y);
    }

    /// <summary>dx += dy;  df += m·dy.</summary>
    public static void Backward(ReadOnlySpan<float> dy, float multiplier, Span<float> dx, Span<float> df)
    {
        Check.SameLength("scaled_residual", dy.Length, dx.Length);
        Check.SameLength("scaled_residual", dy.Length, df.Length);
        Lanes.AddScaled(dy, 1, dx);
        Lanes.AddScaled(dy, multiplier, df);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], f = call.Same("f", x), y = x.Like();
        float multiplier = (float)call.Number("multiplier");
        Forward(x, f, multiplier, y);
        if (call.Backward(y, out float[]? dy))
            Backward(dy, multiplier, call.Gradient("x"), call.Gradient("f"));
        return y;
    }
}
