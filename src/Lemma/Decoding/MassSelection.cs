using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Lemma.Formulas;

namespace Lemma.Decoding;

/// <summary>The fewest ids whose probabilities reach a mass, those first whose −ln p is nearest to a surprise, without sorting the others.</summary>
/// <remarks>
/// The probabilities are summed by distance, in steps of 1/64 nat; whole steps are kept until one passes the mass, and that one alone is sorted. The others
/// stay in the order that they had. In the order of falling logits what is kept stands together, so two keys bound it.
/// </remarks>
internal readonly ref struct MassSelection
{
    private const int Steps = 2048, StepsPerNat = 64;
    private readonly Span<float> logits;
    private readonly Span<int> ids;
    private readonly double certain, surprise;

    private MassSelection(Span<float> logits, Span<int> ids, double certain, double surprise)
    {
        this.logits = logits;
        this.ids = ids;
        (this.certain, this.surprise) = (certain, surprise);
    }

    /// <summary>Brings what is kept to the front; how many that is, at least one.</summary>
    /// <param name="logits">Numbers or −∞.</param>
    /// <param name="ids">Their ids, each once.</param>
    /// <param name="p">Their probabilities; used up.</param>
    /// <param name="certain">The logit of the probability 1: −ln p is this less a logit.</param>
    /// <param name="surprise">The −ln p that all are compared with.</param>
    /// <param name="mass">What the kept ones must reach together.</param>
    /// <param name="keys">As much room as there are logits.</param>
    /// <param name="ordered">How many at the front stand in order; at the end, how many of them are left.</param>
    public static int Keep(Span<float> logits, Span<int> ids, Span<double> p, double certain, double surprise, double mass, Span<ulong> keys, ref int ordered)
    {
        MassSelection selection = new(logits, ids, certain, surprise);
        Span<double> masses = stackalloc double[Steps];
        masses.Clear();
        selection.Count(p, masses);
        double sum = 0;
        int step = 0;
        while (step < Steps - 1 && sum + masses[step] < mass)
            sum += masses[step++];
        int members = 0;
        (float least, float most) = selection.Range(step);
        (float insideLeast, float insideMost) = step == 0 ? (float.NaN, float.NaN) : selection.Range(step - 1);
        ref float first = ref MemoryMarshal.GetReference(logits);
        for (int i = 0; i < logits.Length; i += Lanes.Count)
        {
            Vector512<float> z = i <= logits.Length - Lanes.Count ? Lanes.Load(ref first, i) : Lanes.LoadTail(logits[i..], float.NaN);
            for (ulong mask = Within(z, least, most) & ~Within(z, insideLeast, insideMost); mask != 0; mask &= mask - 1)
            {
                int place = i + BitOperations.TrailingZeroCount(mask);
                (keys[members], p[members++]) = (Selection.Key(logits[place], ids[place]), p[place]);
            }
        }
        (ulong from, ulong to) = selection.Nearest(keys[..members], p[..members], mass - sum, Selection.Key(most, 0), Selection.Key(least, int.MaxValue));
        return selection.Compact(from, to, ref ordered);
    }

    private static ulong Within(Vector512<float> z, float least, float most) =>
        (Vector512.GreaterThanOrEqual(z, Vector512.Create(least)) & Vector512.LessThanOrEqual(z, Vector512.Create(most))).ExtractMostSignificantBits();

    // Adds each probability to its step.
    private void Count(ReadOnlySpan<double> p, Span<double> masses)
    {
        ref float first = ref MemoryMarshal.GetReference(logits);
        Span<int> steps = stackalloc int[Lanes.Count];
        Vector512<double> certains = Vector512.Create(certain), surprises = Vector512.Create(surprise);
        int i = 0;
        for (; i <= logits.Length - Lanes.Count; i += Lanes.Count)
        {
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(Lanes.Load(ref first, i));
            low = Vector512.MinNative(Vector512.Abs(certains - low - surprises) * StepsPerNat, Vector512.Create(Steps - 1.0));
            high = Vector512.MinNative(Vector512.Abs(certains - high - surprises) * StepsPerNat, Vector512.Create(Steps - 1.0));
            // Small whole numbers: in single precision they are exact, once the fraction is gone.
            Vector512.ConvertToInt32Native(Vector512.Narrow(Vector512.Floor(low), Vector512.Floor(high))).CopyTo(steps);
            for (int lane = 0; lane < Lanes.Count; lane++)
                masses[steps[lane]] += p[i + lane];
        }
        for (; i < logits.Length; i++)
            masses[Step(logits[i])] += p[i];
    }

    private int Step(float logit) => (int)Math.Min(Math.Abs(certain - logit - surprise) * StepsPerNat, Steps - 1);

    // The least and the most logit whose step is no further: steps rise to both sides of one place.
    private (float Least, float Most) Range(int step)
    {
        float middle = (float)Math.Clamp(certain - surprise, -float.MaxValue, float.MaxValue);
        // Logits of millions leave so large gaps that none may be as near.
        return Step(middle) > step ? (float.NaN, float.NaN) : (Edge(middle, float.NegativeInfinity, step), Edge(middle, float.MaxValue, step));
    }

    // By halves between a logit inside and one that may be outside, in the order of keys.
    private float Edge(float inside, float outside, int step)
    {
        if (Step(outside) <= step)
            return outside;
        uint near = (uint)(Selection.Key(inside, 0) >> 32), far = (uint)(Selection.Key(outside, 0) >> 32);
        while (Math.Max(near, far) - Math.Min(near, far) > 1)
        {
            uint half = (uint)(((ulong)near + far) / 2);
            if (Step(Selection.Logit((ulong)half << 32)) <= step)
                near = half;
            else
                far = half;
        }
        return Selection.Logit((ulong)near << 32);
    }

    // It grows from the place where −ln p passes the surprise to its nearer side. What lies within the step and is not taken bounds what is kept.
    private (ulong From, ulong To) Nearest(Span<ulong> keys, Span<double> p, double mass, ulong from, ulong to)
    {
        if (keys.Length == 0)
            return (from, to);
        keys.Sort(p);
        int first = 0;
        while (first < keys.Length && certain - Selection.Logit(keys[first]) < surprise)
            first++;
        int end = first;
        double sum = 0;
        do
        {
            bool takesLikelier = first > 0 && (end == keys.Length
                || surprise - (certain - Selection.Logit(keys[first - 1])) <= certain - Selection.Logit(keys[end]) - surprise);
            sum += p[takesLikelier ? --first : end++];
        }
        while (sum < mass && (first > 0 || end < keys.Length));
        return (first > 0 ? keys[first - 1] + 1 : from, end < keys.Length ? keys[end] - 1 : to);
    }

    // Keeps what lies between two keys, in the order that it had.
    private int Compact(ulong from, ulong to, ref int ordered)
    {
        ref float first = ref MemoryMarshal.GetReference(logits);
        float most = Selection.Logit(from), least = Selection.Logit(to);
        int kept = 0, keptOrdered = 0;
        for (int i = 0; i < logits.Length; i += Lanes.Count)
        {
            Vector512<float> z = i <= logits.Length - Lanes.Count ? Lanes.Load(ref first, i) : Lanes.LoadTail(logits[i..], float.NaN);
            for (ulong mask = Within(z, least, most); mask != 0; mask &= mask - 1)
            {
                int place = i + BitOperations.TrailingZeroCount(mask);
                float logit = logits[place];
                // Equal logits are told apart by their ids.
                if ((logit == most || logit == least) && Selection.Key(logit, ids[place]) is ulong key && (key < from || key > to))
                    continue;
                (logits[kept], ids[kept]) = (logit, ids[place]);
                kept++;
                keptOrdered += place < ordered ? 1 : 0;
            }
        }
        ordered = keptOrdered;
        return kept;
    }
}
