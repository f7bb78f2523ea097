using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = −E[min(r·A, clip(r, 1 − ε, 1 + ε)·A)], r = π/π_old.</summary>
/// <remarks>
/// log_probs (ln π), old_log_probs (ln π_old), advantages (A): any one shape; L: []. ε: how far the ratio may move before its gradient
/// stops; logs in nats. Schulman et al. 2017, Proximal policy optimization, eq. 7.
/// </remarks>
public static class ClippedPolicy
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "ppo_clip",
        Group = "Preference",
        Text = "L = −E[min(r·A, clip(r, 1 − ε, 1 + ε)·A)], r = π/π_old",
        Latex = """
            L = -\mathbb{E}\left[\min\left(r A, \mathrm{clip}(r, 1 - \varepsilon, 1 + \varepsilon) A\right)\right]
            r = \frac{\pi}{\pi_\mathrm{old}}
            """,
        Shapes = "log_probs (ln π), old_log_probs (ln π_old), advantages (A): any one shape; L: []",
        Symbols = "ε: how far the ratio may move before its gradient stops; logs in nats",
        Source = "Schulman et al. 2017, Proximal policy optimization, eq. 7",
        Gradient = "d ln π += −r·A/N·dL where the unclipped term is the smaller, else 0",
        Notes = "Old log probabilities and advantages are constants.",
        Example = "log_probs[6,5]*0.55 old_log_probs[6,5]*0.45 advantages[6,5] epsilon=0.2",
        Evaluate = Evaluate,
    };

    /// <summary>L = −E[min(r·A, clip(r, 1 − ε, 1 + ε)·A)], r = π/π_old.</summary>
    public static double Forward(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> advantages, double epsilon)
    {
        Check.SameLength("ppo_clip", logs.Length, oldLogs.Length);
        Check.SameLength("ppo_clip", logs.Length, advantages.Length);
        Check.That(epsilon >= 0, "ppo_clip", $"ε must not be negative, but it is {epsilon}");
        return logs.IsEmpty ? 0 : -Sum(new Clip(epsilon), logs, oldLogs, advantages) / logs.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Sum(Clip clip, ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> advantages)
    {
        ref float startLogs = ref MemoryMarshal.GetReference(logs), startOld = ref MemoryMarshal.GetReference(oldLogs);
        ref float startAdvantages = ref MemoryMarshal.GetReference(advantages);
        Vector512<double> sum = default;
        int i = 0;
        for (; i + Lanes.Count <= logs.Length; i += Lanes.Count)
            sum += clip.Gain(Clip.Ratio(Lanes.Load(ref startLogs, i), Lanes.Load(ref startOld, i)), Lanes.Load(ref startAdvantages, i));
        if (i < logs.Length)
            sum += clip.Gain(Clip.Ratio(Lanes.LoadTail(logs[i..]), Lanes.LoadTail(oldLogs[i..])), Lanes.LoadTail(advantages[i..]));
        return Lanes.Sum(sum);
    }

    /// <summary>
    /// d ln π += −r·A/N·dL where the unclipped term is the smaller, else 0; <paramref name="dy"/> is the gradient of the mean.
    /// </summary>
    public static void Backward(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> advantages, double epsilon,
        double dy, Span<float> dlogs)
    {
        Check.SameLength("ppo_clip", logs.Length, oldLogs.Length);
        Check.SameLength("ppo_clip", logs.Length, advantages.Length);
        Check.That(epsilon >= 0, "ppo_clip", $"ε must not be negative, but it is {epsilon}");
        Check.SameLength("ppo_clip", logs.Length, dlogs.Length);
        AddSlopes(new Clip(epsilon), logs, oldLogs, advantages, (float)(-dy / logs.Length), dlogs);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddSlopes(Clip clip, ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> advantages,
        float scale,
        Span<float> dlogs)
    {
        ref float startLogs = ref MemoryMarshal.GetReference(logs), startOld = ref MemoryMarshal.GetReference(oldLogs);
        ref float startAdvantages = ref MemoryMarshal.GetReference(advantages), to = ref MemoryMarshal.GetReference(dlogs);
        int i = 0;
        for (; i + Lanes.Count <= logs.Length; i += Lanes.Count)
        {
            Vector512<float> ratio = Clip.Ratio(Lanes.Load(ref startLogs, i), Lanes.Load(ref startOld, i));
            (Lanes.Load(ref to, i) + clip.Slope(ratio, Lanes.Load(ref startAdvantages, i), scale)).StoreUnsafe(ref to, (nuint)i);
        }
        if (i < logs.Length)
        {
            Vector512<float> ratio = Clip.Ratio(Lanes.LoadTail(logs[i..]), Lanes.LoadTail(oldLogs[i..]));
            Lanes.StoreTail(Lanes.LoadTail(dlogs[i..]) + clip.Slope(ratio, Lanes.LoadTail(advantages[i..]), scale), dlogs[i..]);
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logs = call["log_probs"], oldLogs = call.Same("old_log_probs", logs), advantages = call.Same("advantages", logs);
        double epsilon = call.Number("epsilon", 0.2);
        Values y = Values.Scalar(Forward(logs, oldLogs, advantages, epsilon));
        if (call.Backward(y, out float[]? dy))
            Backward(logs, oldLogs, advantages, epsilon, dy[0], call.Gradient("log_probs"));
        return y;
    }
}
