using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Lemma.Formulas;

namespace Lemma.Decoding;

/// <summary>The largest logits in order, without sorting the others.</summary>
/// <remarks>
/// Logits are counted by their distance to an upper bound, in steps that are even over what a softmax can tell apart; those in the nearest steps that
/// hold as many as are wanted are brought to the front and sorted there. The result is that of sorting all, for any distribution.
/// </remarks>
internal static class Selection
{
    private const int Steps = 2048;

    // Further below the largest, a logit has e^−32 of its probability.
    private const float Reach = 32;

    /// <summary>Brings at least the first <paramref name="count"/> to the front, by falling logit and rising id; how many stand in order then.</summary>
    /// <param name="logits">Numbers or −∞, none above the bound.</param>
    /// <param name="ids">Their ids, each once.</param>
    /// <param name="bound">An upper bound.</param>
    /// <param name="count">How many are wanted.</param>
    /// <param name="keys">As much room as there are logits.</param>
    public static int First(Span<float> logits, Span<int> ids, float bound, int count, Span<ulong> keys)
    {
        if (count > logits.Length / 4 || logits.Length <= 256)
            return All(logits, ids, keys);
        float range = MathF.Min(bound - LogitMath.Least(logits), Reach), scale = (Steps - 1) / range;
        if (!(range > 0) || !float.IsFinite(scale))
            return All(logits, ids, keys);
        int last = LastStep(logits, bound, scale, count);
        if (last == Steps - 1)
            return All(logits, ids, keys);
        int chosen = Gather(logits, ids, bound, scale, last + 1, keys);
        SortFront(logits, ids, keys[..chosen]);
        return chosen;
    }

    private static int All(Span<float> logits, Span<int> ids, Span<ulong> keys)
    {
        for (int i = 0; i < logits.Length; i++)
            keys[i] = Key(logits[i], ids[i]);
        SortFront(logits, ids, keys[..logits.Length]);
        return logits.Length;
    }

    // The nearest steps up to this one hold as many as are wanted.
    private static int LastStep(ReadOnlySpan<float> logits, float bound, float scale, int count)
    {
        Span<int> counts = stackalloc int[Steps];
        counts.Clear();
        foreach (float logit in logits)
            counts[(int)MathF.Min((bound - logit) * scale, Steps - 1)]++;
        int step = 0;
        for (int sum = counts[0]; sum < count; sum += counts[++step]) { }
        return step;
    }

    // Swaps what lies in steps below the end to the front; their keys.
    private static int Gather(Span<float> logits, Span<int> ids, float bound, float scale, float end, Span<ulong> keys)
    {
        ref float first = ref MemoryMarshal.GetReference(logits);
        int chosen = 0;
        for (int i = 0; i < logits.Length; i += Lanes.Count)
        {
            Vector512<float> z = i <= logits.Length - Lanes.Count ? Lanes.Load(ref first, i) : Lanes.LoadTail(logits[i..], float.NegativeInfinity);
            Vector512<float> step = (Vector512.Create(bound) - z) * Vector512.Create(scale);
            for (ulong mask = Vector512.LessThan(step, Vector512.Create(end)).ExtractMostSignificantBits(); mask != 0; mask &= mask - 1)
            {
                int place = i + BitOperations.TrailingZeroCount(mask);
                keys[chosen] = Key(logits[place], ids[place]);
                (logits[place], logits[chosen]) = (logits[chosen], logits[place]);
                (ids[place], ids[chosen]) = (ids[chosen], ids[place]);
                chosen++;
            }
        }
        return chosen;
    }

    private static void SortFront(Span<float> logits, Span<int> ids, Span<ulong> keys)
    {
        keys.Sort();
        for (int i = 0; i < keys.Length; i++)
        {
            ids[i] = (int)(uint)keys[i];
            logits[i] = Logit(keys[i]);
        }
    }

    /// <summary>Bits of a float as an integer that falls as the number rises, with the id below; −0 is 0.</summary>
    public static ulong Key(float logit, int id)
    {
        uint bits = BitConverter.SingleToUInt32Bits(logit + 0f), order = (bits & 0x80000000) != 0 ? bits : ~(bits | 0x80000000);
        return ((ulong)order << 32) | (uint)id;
    }

    /// <summary>The float of a key.</summary>
    public static float Logit(ulong key)
    {
        uint order = (uint)(key >> 32);
        return BitConverter.UInt32BitsToSingle((order & 0x80000000) != 0 ? order : ~order & 0x7FFFFFFF);
    }
}
