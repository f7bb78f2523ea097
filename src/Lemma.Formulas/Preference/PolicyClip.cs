using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L_t = −min(min(r, δ)·A, clip(r, 1 − ε_l, 1 + ε_h)·A), r = π/π_old: the loss of each token.</summary>
/// <remarks>
/// log_probs, old_log_probs, advantages, L: any one shape. Two sides of the clip after Yu et al. 2025, DAPO, eq. 10; δ after Ye et al. 2020, dual-clip
/// PPO.
/// </remarks>
public static class PolicyClip
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "policy_clip",
        Group = "Preference",
        Text = "L_t = −min(min(r, δ)·A, clip(r, 1 − ε_l, 1 + ε_h)·A), r = π/π_old",
        Latex = """
            L_t = -\min\left(\min(r, \delta) A, \mathrm{clip}(r, 1 - \varepsilon_l, 1 + \varepsilon_h) A\right)
            r = \frac{\pi}{\pi_\mathrm{old}}
            """,
        Shapes = "log_probs (ln π), old_log_probs (ln π_old), advantages (A), L: any one shape",
        Symbols = "ε_l (epsilon_low), ε_h (epsilon_high): how far the ratio may move; δ (delta), above 1 + ε_h: its most where A is below 0",
        Source = "Schulman et al. 2017, eq. 7; Yu et al. 2025, DAPO, eq. 10, for ε_h; Ye et al. 2020, Mastering complex control in MOBA games, for δ",
        Gradient = "d ln π −= r·A·dL where r is not clipped, else 0",
        Notes = "A loss a token, so that its user chooses the mean: over tokens, or over the tokens of each answer first. TRL's delta is δ.",
        Kind = FormulaKind.Elementwise,
        Example = "log_probs[6,5]*0.55 old_log_probs[6,5]*0.45 advantages[6,5] epsilon_low=0.2 epsilon_high=0.28 delta=1.9",
        Evaluate = Evaluate,
    };

    /// <summary>L_t = −min(min(r, δ)·A, clip(r, 1 − ε_l, 1 + ε_h)·A).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> advantages, in PolicyBounds bounds,
        Span<float> losses)
    {
        CheckInput(logs, oldLogs, advantages, bounds, losses.Length);
        for (int i = 0; i < logs.Length; i += Lanes.Count)
        {
            int count = Math.Min(Lanes.Count, logs.Length - i);
            (Vector512<float> ratio, Vector512<float> advantage) = Read(logs, oldLogs, advantages, i, count);
            (Vector512<float> least, Vector512<float> most) = Bounds(advantage, bounds);
            // The native forms keep a NaN that comes second.
            Vector512<float> clipped = Vector512.MaxNative(least, Vector512.MinNative(most, ratio));
            Lanes.StoreTail(-(clipped * advantage), losses.Slice(i, count));
        }
    }

    /// <summary>d ln π −= r·A·dL where r is not clipped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> advantages, in PolicyBounds bounds,
        ReadOnlySpan<float> dlosses, Span<float> dlogs)
    {
        CheckInput(logs, oldLogs, advantages, bounds, dlosses.Length);
        Check.SameLength("policy_clip", logs.Length, dlogs.Length);
        for (int i = 0; i < logs.Length; i += Lanes.Count)
        {
            int count = Math.Min(Lanes.Count, logs.Length - i);
            (Vector512<float> ratio, Vector512<float> advantage) = Read(logs, oldLogs, advantages, i, count);
            (Vector512<float> least, Vector512<float> most) = Bounds(advantage, bounds);
            Vector512<float> isClipped = Vector512.LessThan(ratio, least) | Vector512.GreaterThan(ratio, most);
            Vector512<float> slope = Vector512.AndNot(Lanes.LoadTail(dlosses.Slice(i, count)) * ratio * advantage, isClipped);
            Span<float> to = dlogs.Slice(i, count);
            Lanes.StoreTail(Lanes.LoadTail(to) - slope, to);
        }
    }

    // Above 1 + ε_h a gain no longer grows; below 1 − ε_l a loss no longer does, nor above δ.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Least, Vector512<float> Most) Bounds(Vector512<float> advantage, in PolicyBounds bounds)
    {
        Vector512<float> isGain = Vector512.GreaterThan(advantage, default), isLoss = Vector512.LessThan(advantage, default);
        return (Vector512.Create((float)(1 - bounds.Low)) & isLoss,
            Vector512.ConditionalSelect(isGain, Vector512.Create((float)(1 + bounds.High)), Vector512.Create((float)bounds.Delta)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Ratio, Vector512<float> Advantage) Read(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs,
        ReadOnlySpan<float> advantages, int first, int count) =>
        (Clip.Ratio(Lanes.LoadTail(logs.Slice(first, count)), Lanes.LoadTail(oldLogs.Slice(first, count))), Lanes.LoadTail(advantages.Slice(first, count)));

    private static void CheckInput(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> advantages, in PolicyBounds bounds, int losses)
    {
        bounds.Check("policy_clip");
        Check.SameLength("policy_clip", logs.Length, oldLogs.Length);
        Check.SameLength("policy_clip", logs.Length, advantages.Length);
        Check.SameLength("policy_clip", logs.Length, losses);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logs = call["log_probs"], oldLogs = call.Same("old_log_probs", logs), advantages = call.Same("advantages", logs), y = logs.Like();
        PolicyBounds bounds = PolicyBounds.Of(call, 0.2, 0.2);
        Forward(logs, oldLogs, advantages, bounds, y);
        if (call.Backward(y, out float[]? dy))
            Backward(logs, oldLogs, advantages, bounds, dy, call.Gradient("log_probs"));
        return y;
    }
}

/// <summary>How far the ratio of a policy to the one that wrote the answers may move.</summary>
/// <param name="Low">ε_l: below 1, in [0, 1].</param>
/// <param name="High">ε_h: above 1, at least 0.</param>
/// <param name="Delta">δ: the most where the advantage is below 0, above 1 + ε_h; ∞ for none.</param>
public readonly record struct PolicyBounds(double Low, double High, double Delta = double.PositiveInfinity)
{
    internal static PolicyBounds Of(FormulaCall call, double low, double high) =>
        new(call.Number("epsilon_low", low), call.Number("epsilon_high", high), call.Number("delta", double.PositiveInfinity));

    internal void Check(string formula)
    {
        Formulas.Check.That(Low is >= 0 and <= 1, formula, $"ε_l must lie in [0, 1], but it is {Low}");
        Formulas.Check.That(High >= 0, formula, $"ε_h must not be negative, but it is {High}");
        Formulas.Check.That(Delta >= 1 + High, formula, $"δ must be at least 1 + ε_h = {1 + High}, but it is {Delta}");
    }
}
