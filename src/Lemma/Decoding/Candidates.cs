using Lemma.Formulas;

namespace Lemma.Decoding;

/// <summary>The ids that may come next with their logits; steps shorten and change the list, then one id is drawn.</summary>
/// <remarks>Memory is taken once for a vocabulary and used for every token.</remarks>
public sealed class Candidates
{
    private readonly int[] ids;
    private readonly float[] logits;
    private readonly ulong[] keys;
    private readonly double[] weights;
    private bool sorted;

    /// <summary>Room for a vocabulary.</summary>
    public Candidates(int vocabularySize)
    {
        (ids, logits) = (new int[vocabularySize], new float[vocabularySize]);
        (keys, weights) = (new ulong[vocabularySize], new double[vocabularySize]);
    }

    /// <summary>How many ids are left.</summary>
    public int Count { get; private set; }

    /// <summary>The ids that are left.</summary>
    public ReadOnlySpan<int> Ids => ids.AsSpan(0, Count);

    /// <summary>Their logits.</summary>
    public ReadOnlySpan<float> Logits => logits.AsSpan(0, Count);

    /// <summary>Their logits, to change them: the order that they had is forgotten.</summary>
    public Span<float> ChangeLogits()
    {
        sorted = false;
        return logits.AsSpan(0, Count);
    }

    /// <summary>Begins anew with every id.</summary>
    public void Reset(ReadOnlySpan<float> all)
    {
        Require.That(all.Length == ids.Length, $"candidates: {all.Length} logits for a vocabulary of {ids.Length}");
        all.CopyTo(logits);
        for (int i = 0; i < ids.Length; i++)
            ids[i] = i;
        (Count, sorted) = (ids.Length, false);
    }

    /// <summary>Orders by falling logit, equal ones by rising id.</summary>
    public void Sort()
    {
        if (sorted)
            return;
        for (int i = 0; i < Count; i++)
        {
            uint bits = BitConverter.SingleToUInt32Bits(logits[i]);
            // Bits of a float as an integer that falls as the number rises.
            uint order = (bits & 0x80000000) != 0 ? bits : ~(bits | 0x80000000);
            keys[i] = ((ulong)order << 32) | (uint)ids[i];
        }
        keys.AsSpan(0, Count).Sort();
        for (int i = 0; i < Count; i++)
        {
            uint order = (uint)(keys[i] >> 32);
            ids[i] = (int)(uint)keys[i];
            logits[i] = BitConverter.UInt32BitsToSingle((order & 0x80000000) != 0 ? order : ~order & 0x7FFFFFFF);
        }
        sorted = true;
    }

    /// <summary>Forgets all but the first.</summary>
    public void KeepFirst(int count) => Count = Math.Clamp(count, 1, Count);

    /// <summary>The probabilities softmax(logits) of what is left, in double.</summary>
    public ReadOnlySpan<double> Probabilities()
    {
        float largest = float.NegativeInfinity;
        foreach (float logit in Logits)
            largest = MathF.Max(largest, logit);
        double total = 0;
        for (int i = 0; i < Count; i++)
            total += weights[i] = Math.Exp((double)logits[i] - largest);
        for (int i = 0; i < Count; i++)
            weights[i] /= total;
        return weights.AsSpan(0, Count);
    }

    /// <summary>The id with the largest logit, the lowest id among equals; NaN is an error.</summary>
    public int Largest()
    {
        int best = 0;
        for (int i = 0; i < Count; i++)
        {
            if (float.IsNaN(logits[i]))
                throw new ArithmeticException($"sampling: the logit of id {ids[i]} is NaN");
            if (logits[i] > logits[best] || (logits[i] == logits[best] && ids[i] < ids[best]))
                best = i;
        }
        return ids[best];
    }

    /// <summary>Draws one id by its probability; the number drawn is that of the counter.</summary>
    public int Draw(Philox generator, ulong counter)
    {
        ReadOnlySpan<double> probabilities = Probabilities();
        if (double.IsNaN(probabilities[0]))
            throw new ArithmeticException("sampling: a logit is NaN or infinite, so there are no probabilities to draw from");
        double at = generator.Uniform(counter), sum = 0;
        for (int i = 0; i < Count - 1; i++)
        {
            sum += probabilities[i];
            if (at < sum)
                return ids[i];
        }
        return ids[Count - 1];
    }
}
