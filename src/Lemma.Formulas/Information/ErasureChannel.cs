using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>C = 1 − p.</summary>
/// <remarks>p, C: any shape; p: probability that a bit is lost; C in bits a use. Elias 1955, Coding for two noisy channels.</remarks>
public static class ErasureChannel
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "binary_erasure_capacity",
        Group = "Information",
        Text = "C = 1 − p",
        Latex = @"C = 1 - p",
        Shapes = "p, C: any shape",
        Symbols = "p: probability that a bit is lost; C in bits a use",
        Source = "Elias 1955, Coding for two noisy channels",
        Gradient = "dp −= dC",
        Example = "p[5]u",
        Plot = new FormulaPlot("p", 0, 1),
        Evaluate = Evaluate,
    };

    /// <summary>C in bits a use.</summary>
    public static double Forward(double p)
    {
        Check.That(p is >= 0 and <= 1, "binary_erasure_capacity", $"p must lie in [0, 1], but it is {(float)p}");
        return 1 - p;
    }

    /// <summary>C in bits a use, of each p.</summary>
    public static void Forward(ReadOnlySpan<float> p, Span<float> y)
    {
        Check.Probabilities("binary_erasure_capacity", "p", p);
        Check.SameLength("binary_erasure_capacity", p.Length, y.Length);
        TensorPrimitives.Subtract(1, p, y);
    }

    /// <summary>dp −= dC.</summary>
    public static void Backward(ReadOnlySpan<float> dy, Span<float> dp)
    {
        Check.SameLength("binary_erasure_capacity", dy.Length, dp.Length);
        TensorPrimitives.Subtract(dp, dy, dp);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values p = call["p"], y = p.Like();
        Forward(p, y);
        if (call.Backward(y, out float[]? dy))
            Backward(dy, call.Gradient("p"));
        return y;
    }
}
