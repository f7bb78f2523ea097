using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>q = (1 − ε)·y + ε/K.</summary>
/// <remarks>y, q: [rows, K], rows that are distributions; ε in [0, 1]. Szegedy et al. 2015, section 7.</remarks>
public static class LabelSmoothing
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "label_smoothing",
        Group = "Regularization",
        Text = "q = (1 − ε)·y + ε/K",
        Latex = @"q = (1 - \varepsilon) y + \frac{\varepsilon}{K}",
        Shapes = "target (y), q: [rows, K]",
        Symbols = "ε in [0, 1]; rows of y are distributions",
        Source = "Szegedy et al. 2015, Rethinking the inception architecture, section 7",
        Gradient = "dy += (1 − ε)·dq",
        Kind = FormulaKind.Elementwise,
        Example = "target[3,7]p epsilon=0.1",
        Evaluate = Evaluate,
    };

    /// <summary>q = (1 − ε)·y + ε/K.</summary>
    public static void Forward(ReadOnlySpan<float> target, int classes, double epsilon, Span<float> q)
    {
        Check.SameLength("label_smoothing", target.Length, q.Length);
        Check.Distributions("label_smoothing", "target", target, classes);
        Check.That(epsilon is >= 0 and <= 1, "label_smoothing", $"ε must lie in [0, 1], but it is {epsilon}");
        TensorPrimitives.Multiply(target, (float)(1 - epsilon), q);
        TensorPrimitives.Add(q, (float)(epsilon / classes), q);
    }

    /// <summary>dy += (1 − ε)·dq.</summary>
    public static void Backward(ReadOnlySpan<float> dq, double epsilon, Span<float> dtarget)
    {
        Check.SameLength("label_smoothing", dq.Length, dtarget.Length);
        Lanes.AddScaled(dq, (float)(1 - epsilon), dtarget);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["target"], y = x.Like();
        double epsilon = call.Number("epsilon", 0.1);
        Forward(x, x.Columns, epsilon, y);
        if (call.Backward(y, out float[]? dy))
            Backward(dy, epsilon, call.Gradient("target"));
        return y;
    }
}
