using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>L_t = −A·ln π: the loss of each token.</summary>
/// <remarks>log_probs, advantages, L: any one shape. Williams 1992, REINFORCE, with what comes after the action less a baseline as A.</remarks>
public static class PolicyGradient
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "reinforce",
        Group = "Preference",
        Text = "L_t = −A·ln π",
        Latex = @"L_t = -A\ln\pi",
        Shapes = "log_probs (ln π), advantages (A), L: any one shape",
        Symbols = "A: a constant of the gradient; logs in nats",
        Source = "Williams 1992, Simple statistical gradient-following algorithms; Ahmadian et al. 2024, Back to basics, for language models",
        Gradient = "d ln π −= A·dL",
        Notes = "Right for answers that the policy itself has just written; its value says nothing, its gradient does.",
        Kind = FormulaKind.Elementwise,
        Example = "log_probs[6,5] advantages[6,5]",
        Evaluate = Evaluate,
    };

    /// <summary>L_t = −A·ln π.</summary>
    public static void Forward(ReadOnlySpan<float> logs, ReadOnlySpan<float> advantages, Span<float> losses)
    {
        Check.SameLength("reinforce", logs.Length, advantages.Length);
        Check.SameLength("reinforce", logs.Length, losses.Length);
        TensorPrimitives.Multiply(logs, advantages, losses);
        TensorPrimitives.Negate(losses, losses);
    }

    /// <summary>d ln π −= A·dL.</summary>
    public static void Backward(ReadOnlySpan<float> advantages, ReadOnlySpan<float> dlosses, Span<float> dlogs)
    {
        Check.SameLength("reinforce", advantages.Length, dlosses.Length);
        Check.SameLength("reinforce", advantages.Length, dlogs.Length);
        for (int i = 0; i < dlogs.Length; i++)
            dlogs[i] -= advantages[i] * dlosses[i];
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logs = call["log_probs"], advantages = call.Same("advantages", logs), y = logs.Like();
        Forward(logs, advantages, y);
        if (call.Backward(y, out float[]? dy))
            Backward(advantages, dy, call.Gradient("log_probs"));
        return y;
    }
}
