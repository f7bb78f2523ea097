using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L_t = −w·A·ln π, w = min(π/π_old, c), a constant: the loss of each token.</summary>
/// <remarks>
/// log_probs, old_log_probs, advantages, L: any one shape. No token loses its gradient, since the weight is clipped and not the loss. MiniMax 2025,
/// MiniMax-M1, eq. 4 and 5.
/// </remarks>
public static class ClippedImportance
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "cispo",
        Group = "Preference",
        Text = "L_t = −w·A·ln π, w = min(π/π_old, c)",
        Latex = @"L_t = -w A\ln\pi\qquad w = \min\left(\frac{\pi}{\pi_\mathrm{old}}, c\right)",
        Shapes = "log_probs (ln π), old_log_probs (ln π_old), advantages (A), L: any one shape",
        Symbols = "c (largest_weight): the most that a token weighs, above 0; w is a constant of the gradient",
        Source = "MiniMax 2025, MiniMax-M1: scaling test-time compute efficiently with lightning attention, eq. 4 and 5",
        Gradient = "d ln π −= w·A·dL",
        Notes = "c is the paper's 1 + ε_high, and TRL's epsilon_high; the paper does without a lower bound.",
        Kind = FormulaKind.Elementwise,
        Example = "log_probs[6,5]*0.55 old_log_probs[6,5]*0.45 advantages[6,5] largest_weight=1.3",
        Evaluate = Evaluate,
    };

    /// <summary>L_t = −w·A·ln π.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> advantages, double largest, Span<float> losses)
    {
        CheckInput(logs, oldLogs, advantages, largest, losses.Length);
        for (int i = 0; i < logs.Length; i += Lanes.Count)
        {
            int count = Math.Min(Lanes.Count, logs.Length - i);
            Vector512<float> weights = Weights(logs, oldLogs, largest, i, count), advantage = Lanes.LoadTail(advantages.Slice(i, count));
            Lanes.StoreTail(-Product(weights, advantage, Lanes.LoadTail(logs.Slice(i, count))), losses.Slice(i, count));
        }
    }

    /// <summary>d ln π −= w·A·dL.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> advantages, double largest,
        ReadOnlySpan<float> dlosses, Span<float> dlogs)
    {
        CheckInput(logs, oldLogs, advantages, largest, dlosses.Length);
        Check.SameLength("cispo", logs.Length, dlogs.Length);
        for (int i = 0; i < logs.Length; i += Lanes.Count)
        {
            int count = Math.Min(Lanes.Count, logs.Length - i);
            Span<float> to = dlogs.Slice(i, count);
            Vector512<float> weights = Weights(logs, oldLogs, largest, i, count), advantage = Lanes.LoadTail(advantages.Slice(i, count));
            Lanes.StoreTail(Lanes.LoadTail(to) - Product(weights, advantage, Lanes.LoadTail(dlosses.Slice(i, count))), to);
        }
    }

    // w; the native minimum keeps a NaN that comes second.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Weights(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, double largest, int first, int count) =>
        Vector512.MinNative(Vector512.Create((float)largest),
            Clip.Ratio(Lanes.LoadTail(logs.Slice(first, count)), Lanes.LoadTail(oldLogs.Slice(first, count))));

    // In double, so that no two factors pass float32's range before the third.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Product(Vector512<float> a, Vector512<float> b, Vector512<float> c)
    {
        (Vector512<double> a0, Vector512<double> a1) = Vector512.Widen(a);
        (Vector512<double> b0, Vector512<double> b1) = Vector512.Widen(b);
        (Vector512<double> c0, Vector512<double> c1) = Vector512.Widen(c);
        return Vector512.Narrow(a0 * b0 * c0, a1 * b1 * c1);
    }

    private static void CheckInput(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> advantages, double largest, int losses)
    {
        Check.That(largest > 0, "cispo", $"the largest weight must be above 0, but it is {largest}");
        Check.SameLength("cispo", logs.Length, oldLogs.Length);
        Check.SameLength("cispo", logs.Length, advantages.Length);
        Check.SameLength("cispo", logs.Length, losses);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logs = call["log_probs"], oldLogs = call.Same("old_log_probs", logs), advantages = call.Same("advantages", logs), y = logs.Like();
        double largest = call.Number("largest_weight", 5);
        Forward(logs, oldLogs, advantages, largest, y);
        if (call.Backward(y, out float[]? dy))
            Backward(logs, oldLogs, advantages, largest, dy, call.Gradient("log_probs"));
        return y;
    }
}
