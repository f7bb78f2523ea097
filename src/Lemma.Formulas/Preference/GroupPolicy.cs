using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = −E[min(r·A, clip(r, 1 − ε, 1 + ε)·A) − β·k₃], r = π/π_old, over the tokens that count.</summary>
/// <remarks>
/// log_probs, old_log_probs, reference_log_probs: [samples, tokens]; mask: the same, 0 for tokens that do not count, or empty; A:
/// [samples], one a sample. Each sample's tokens are averaged first, then the samples. Old and reference log probabilities and A are
/// constants. Shao et al. 2024, DeepSeekMath, eq. 3 and 4.
/// </remarks>
public static class GroupPolicy
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "grpo",
        Group = "Preference",
        Text = "L = −E[min(r·A, clip(r, 1 − ε, 1 + ε)·A) − β·k₃], r = π/π_old",
        Latex = """
            L = -\mathbb{E}\left[\min\left(r A, \mathrm{clip}(r, 1 - \varepsilon, 1 + \varepsilon) A\right) - \beta k_3\right]
            r = \frac{\pi}{\pi_\mathrm{old}}\qquad k_3 = \frac{\pi_\mathrm{ref}}{\pi} - \ln\frac{\pi_\mathrm{ref}}{\pi} - 1
            """,
        Shapes = "log_probs, old_log_probs, reference_log_probs, mask: [samples, tokens]; advantages: [samples]; L: []",
        Symbols = "ε: clip; β: weight of the divergence; a sample is averaged over its tokens first",
        Source = "Shao et al. 2024, DeepSeekMath, eq. 3 and 4",
        Gradient = "d ln π += (−r·A where unclipped + β(1 − π_ref/π))/(tokens·samples)·dL",
        Example = "log_probs[6,5]*0.4 old_log_probs[6,5]*0.4 reference_log_probs[6,5]*0.4 advantages[6] epsilon=0.2 beta=0.04",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> referenceLogs,
        ReadOnlySpan<float> advantages, ReadOnlySpan<float> mask, double epsilon, double beta)
    {
        int tokens = CheckInput(logs, oldLogs, referenceLogs, advantages, mask, epsilon);
        double sum = 0;
        ReadOnlySpan<float> all = mask.IsEmpty ? Ones(tokens) : default;
        for (int row = 0; row < advantages.Length; row++)
        {
            int at = row * tokens;
            ReadOnlySpan<float> counts = mask.IsEmpty ? all : mask.Slice(at, tokens);
            double counted = Counted(counts);
            if (counted > 0)
            {
                sum += Sum(new(epsilon, beta, advantages[row]), logs.Slice(at, tokens), oldLogs.Slice(at, tokens),
                    referenceLogs.Slice(at, tokens), counts) / counted;
            }
        }
        return sum / advantages.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Sum(Term term, ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> referenceLogs,
        ReadOnlySpan<float> mask)
    {
        ref float startLogs = ref MemoryMarshal.GetReference(logs), startOld = ref MemoryMarshal.GetReference(oldLogs);
        ref float startReference = ref MemoryMarshal.GetReference(referenceLogs), startMask = ref MemoryMarshal.GetReference(mask);
        Vector512<double> sum = default;
        int i = 0;
        for (; i + Lanes.Count <= logs.Length; i += Lanes.Count)
        {
            sum += term.Value(Lanes.Load(ref startLogs, i), Lanes.Load(ref startOld, i), Lanes.Load(ref startReference, i),
                Lanes.Load(ref startMask, i));
        }
        if (i < logs.Length)
        {
            sum += term.Value(Lanes.LoadTail(logs[i..]), Lanes.LoadTail(oldLogs[i..]), Lanes.LoadTail(referenceLogs[i..]),
                Lanes.LoadTail(mask[i..]));
        }
        return Lanes.Sum(sum);
    }

    /// <summary>d ln π += (−r·A where unclipped + β(1 − π_ref/π))/(tokens·samples)·dL.</summary>
    public static void Backward(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> referenceLogs,
        ReadOnlySpan<float> advantages, ReadOnlySpan<float> mask, double epsilon, double beta, double dy, Span<float> dlogs)
    {
        int tokens = CheckInput(logs, oldLogs, referenceLogs, advantages, mask, epsilon);
        Check.SameLength("grpo", logs.Length, dlogs.Length);
        ReadOnlySpan<float> all = mask.IsEmpty ? Ones(tokens) : default;
        for (int row = 0; row < advantages.Length; row++)
        {
            int at = row * tokens;
            ReadOnlySpan<float> counts = mask.IsEmpty ? all : mask.Slice(at, tokens);
            double counted = Math.Max(1, Counted(counts));
            AddSlopes(new(epsilon, beta, advantages[row]), logs.Slice(at, tokens), oldLogs.Slice(at, tokens),
                referenceLogs.Slice(at, tokens),
                counts, (float)(-dy / counted / advantages.Length), dlogs.Slice(at, tokens));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddSlopes(Term term, ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> referenceLogs,
        ReadOnlySpan<float> mask, float scale, Span<float> dlogs)
    {
        ref float startLogs = ref MemoryMarshal.GetReference(logs), startOld = ref MemoryMarshal.GetReference(oldLogs);
        ref float startReference = ref MemoryMarshal.GetReference(referenceLogs), startMask = ref MemoryMarshal.GetReference(mask);
        ref float to = ref MemoryMarshal.GetReference(dlogs);
        int i = 0;
        for (; i + Lanes.Count <= logs.Length; i += Lanes.Count)
        {
            (Lanes.Load(ref to, i) + term.Slope(Lanes.Load(ref startLogs, i), Lanes.Load(ref startOld, i),
                Lanes.Load(ref startReference, i),
                Lanes.Load(ref startMask, i), scale)).StoreUnsafe(ref to, (nuint)i);
        }
        if (i < logs.Length)
        {
            Lanes.StoreTail(Lanes.LoadTail(dlogs[i..]) + term.Slope(Lanes.LoadTail(logs[i..]), Lanes.LoadTail(oldLogs[i..]),
                Lanes.LoadTail(referenceLogs[i..]), Lanes.LoadTail(mask[i..]), scale), dlogs[i..]);
        }
    }

    // β·k₃ − min(r·A, clip(r)·A) at the places of one sample that count.
    private readonly struct Term(double epsilon, double beta, float advantage)
    {
        private readonly Clip clip = new(epsilon);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<double> Value(Vector512<float> logs, Vector512<float> oldLogs, Vector512<float> referenceLogs,
            Vector512<float> mask)
        {
            Vector512<float> isOut = Vector512.Equals(mask, default), ratio = Vector512.AndNot(Clip.Ratio(logs, oldLogs), isOut);
            Vector512<float> excess = Vector512.AndNot(VectorMath.ExpExcess(ToReference(logs, referenceLogs)), isOut);
            return Lanes.Wide(excess) * beta - clip.Gain(ratio, Vector512.AndNot(Vector512.Create(advantage), isOut));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Slope(Vector512<float> logs, Vector512<float> oldLogs, Vector512<float> referenceLogs,
            Vector512<float> mask,
            float scale)
        {
            Vector512<float> slope = VectorMath.ExpMinusOne(ToReference(logs, referenceLogs)) * (float)(beta * scale);
            slope += clip.Slope(Clip.Ratio(logs, oldLogs), Vector512.Create(advantage), scale);
            return Vector512.AndNot(slope, Vector512.Equals(mask, default));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<float> ToReference(Vector512<float> logs, Vector512<float> referenceLogs)
        {
            (Vector512<double> lower, Vector512<double> upper) = Margins.Difference(referenceLogs, logs);
            return Vector512.Narrow(lower, upper);
        }
    }

    // Span.Count compares floats one by one.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Counted(ReadOnlySpan<float> mask)
    {
        ref float start = ref MemoryMarshal.GetReference(mask);
        Vector512<int> zeros = default;
        int i = 0;
        for (; i + Lanes.Count <= mask.Length; i += Lanes.Count)
            zeros -= Vector512.Equals(Lanes.Load(ref start, i), default).AsInt32();
        if (i < mask.Length)
            zeros -= Vector512.Equals(Lanes.LoadTail(mask[i..], 1), default).AsInt32();
        return mask.Length - Vector512.Sum(zeros);
    }

    private static float[] Ones(int count)
    {
        float[] ones = new float[count];
        Array.Fill(ones, 1);
        return ones;
    }

    private static int CheckInput(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> referenceLogs,
        ReadOnlySpan<float> advantages, ReadOnlySpan<float> mask, double epsilon)
    {
        Check.That(epsilon >= 0, "grpo", $"ε must not be negative, but it is {epsilon}");
        Check.That(!advantages.IsEmpty, "grpo", $"there must be at least one sample");
        Check.Rows("grpo", logs.Length, logs.Length / advantages.Length);
        Check.SameLength("grpo", logs.Length, oldLogs.Length);
        Check.SameLength("grpo", logs.Length, referenceLogs.Length);
        if (!mask.IsEmpty)
            Check.SameLength("grpo", logs.Length, mask.Length);
        return logs.Length / advantages.Length;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logs = call.Input("log_probs", -1, -1), oldLogs = call.Same("old_log_probs", logs),
            reference = call.Same("reference_log_probs", logs);
        Values advantages = call.Input("advantages", logs.Shape[0]);
        ReadOnlySpan<float> mask = call.Has("mask") ? call.Same("mask", logs) : default(ReadOnlySpan<float>);
        double epsilon = call.Number("epsilon", 0.2), beta = call.Number("beta", 0.04);
        Values y = Values.Scalar(Forward(logs, oldLogs, reference, advantages, mask, epsilon, beta));
        if (call.Backward(y, out float[]? dy))
            Backward(logs, oldLogs, reference, advantages, mask, epsilon, beta, dy[0], call.Gradient("log_probs"));
        return y;
    }
}
