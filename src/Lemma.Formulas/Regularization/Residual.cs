using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>y = x + f(x).</summary>
/// <remarks>x, f, y: one shape. The gradient passes unchanged beside f. He et al. 2015, eq. 1.</remarks>
public static class Residual
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "residual",
        Group = "Regularization",
        Text = "y = x + f(x)",
        Latex = @"y = x + f(x)",
        Shapes = "x, f, y: one shape",
        Symbols = "f: the value of the branch",
        Source = "He et al. 2015, Deep residual learning, eq. 1",
        Gradient = "dx += dy, df += dy",
        Notes = "The gradient passes unchanged beside the branch.",
        Kind = FormulaKind.Elementwise,
        Example = "x[3,33] f[3,33]",
        Evaluate = Evaluate,
    };

    /// <summary>y = x + f; y may be either.</summary>
    public static void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> f, Span<float> y)
    {
        Check.SameLength("residual", x.Length, f.Length);
        Check.SameLength("residual", x.Length, y.Length);
        TensorPrimitives.Add(x, f, y);
    }

    /// <summary>dx += dy;  df += dy.</summary>
    public static void Backward(ReadOnlySpan<float> dy, Span<float> dx, Span<float> df)
    {
        Check.SameLength("residual", dy.Length, dx.Length);
        Check.SameLength("residual", dy.Length, df.Length);
        TensorPrimitives.Add(dx, dy, dx);
        TensorPrimitives.Add(df, dy, df);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], f = call.Same("f", x), y = x.Like();
        Forward(x, f, y);
        if (call.Backward(y, out float[]? dy))
            Backward(dy, call.Gradient("x"), call.Gradient("f"));
        return y;
    }
}
