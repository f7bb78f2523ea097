using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Lemma.Formulas;

namespace Lemma.Decoding;

/// <summary>The ids that may come next with their logits; steps shorten and change the list, then one id is drawn.</summary>
/// <remarks>
/// Memory is taken once for a vocabulary and used for every token. A logit may be −∞, which has the probability 0; NaN, +∞ and no number at all are an
/// error (<see cref="ArithmeticException"/>) as soon as something is asked that depends on them.
/// </remarks>
public sealed class Candidates
{
    private readonly int[] ids;
    private readonly float[] logits;
    private readonly ulong[] keys;
    private readonly double[] probabilities;
    private int[]? places;
    private IdCounts? counts;
    private int ordered;
    private bool isWhole, hasPlaces;
    private float? largest;
    private (double Total, double Weighted)? sums;

    /// <summary>Room for a vocabulary.</summary>
    public Candidates(int vocabularySize)
    {
        Require.That(vocabularySize > 0, $"candidates: a vocabulary must have at least one id, but it has {vocabularySize}");
        (ids, logits) = (new int[vocabularySize], new float[vocabularySize]);
        (keys, probabilities) = (new ulong[vocabularySize], new double[vocabularySize]);
    }

    /// <summary>How many ids there were at first.</summary>
    public int VocabularySize => ids.Length;

    /// <summary>How many ids are left.</summary>
    public int Count { get; private set; }

    /// <summary>The ids that are left.</summary>
    public ReadOnlySpan<int> Ids => ids.AsSpan(0, Count);

    /// <summary>Their logits.</summary>
    public ReadOnlySpan<float> Logits => logits.AsSpan(0, Count);

    /// <summary>Their logits, to change them: the order that they had is forgotten.</summary>
    public Span<float> ChangeLogits()
    {
        (ordered, largest, sums) = (0, null, null);
        return logits.AsSpan(0, Count);
    }

    /// <summary>Begins anew with every id.</summary>
    public void Reset(ReadOnlySpan<float> all)
    {
        Require.That(all.Length == ids.Length, $"candidates: {all.Length} logits for a vocabulary of {ids.Length}");
        Count = ids.Length;
        all.CopyTo(ChangeLogits());
        if (!isWhole)
        {
            for (int i = 0; i < ids.Length; i++)
                ids[i] = i;
        }
        isWhole = true;
    }

    /// <summary>max z of what is left.</summary>
    public float LargestLogit => largest ??= FindLargest();

    /// <summary>H = −Σ p ln p of what is left, in nats.</summary>
    public double Entropy => LogTotal - (Sums.Weighted / Sums.Total);

    /// <summary>ln Σ e^(z−max z): ln p is z − max z less this.</summary>
    public double LogTotal => Math.Log(Sums.Total);

    /// <summary>The standard deviation of the logits above −∞.</summary>
    public double Deviation => LogitMath.Deviation(Logits, LargestLogit);

    /// <summary>Orders all by falling logit, equal ones by rising id.</summary>
    public void Sort() => Sort(Count);

    /// <summary>Brings the first of that order to the front, at least as many as asked for where there are as many; the others follow in any order.</summary>
    public void Sort(int count)
    {
        count = Math.Min(count, Count);
        if (ordered >= count)
            return;
        float bound = ordered == 0 ? LargestLogit : logits[ordered - 1];
        ordered += Selection.First(logits.AsSpan(ordered, Count - ordered), ids.AsSpan(ordered, Count - ordered), bound, count - ordered, keys);
        (isWhole, hasPlaces) = (false, false);
    }

    /// <summary>Forgets all but the first, of which one stays.</summary>
    public void KeepFirst(int count) => KeepRange(0, count);

    /// <summary>Forgets all but some that stand together, of which one stays.</summary>
    public void KeepRange(int first, int count)
    {
        Require.That(first >= 0 && first < Count, $"candidates: what is kept must begin in [0, {Count}), but it begins at {first}");
        count = Math.Clamp(count, 1, Count - first);
        if (count == Count)
            return;
        if (first > 0)
        {
            ids.AsSpan(first, count).CopyTo(ids);
            logits.AsSpan(first, count).CopyTo(logits);
            largest = null;
        }
        (Count, ordered, sums, isWhole, hasPlaces) = (count, Math.Clamp(ordered - first, 0, count), null, false, false);
        if (ordered == 0)
            largest = null;
    }

    /// <summary>Forgets the logits below a bound; the largest stays.</summary>
    public void KeepAtLeast(double bound)
    {
        bound = Math.Min(bound, LargestLogit);
        // The least number of single precision that is not below the bound.
        float least = (float)bound;
        least = least < bound ? MathF.BitIncrement(least) : least;
        int kept = 0;
        ref float first = ref MemoryMarshal.GetReference(logits.AsSpan());
        for (int i = 0; i < Count; i += Lanes.Count)
        {
            Vector512<float> z = i <= Count - Lanes.Count ? Lanes.Load(ref first, i) : Lanes.LoadTail(Logits[i..], float.NaN);
            for (ulong mask = Vector512.GreaterThanOrEqual(z, Vector512.Create(least)).ExtractMostSignificantBits(); mask != 0; mask &= mask - 1)
            {
                int place = i + BitOperations.TrailingZeroCount(mask);
                (logits[kept], ids[kept]) = (logits[place], ids[place]);
                kept++;
            }
        }
        if (kept == Count)
            return;
        // What stood in order was the largest, so it is what is left of it.
        (Count, ordered, sums, isWhole, hasPlaces) = (kept, Math.Min(ordered, kept), null, false, false);
    }

    /// <summary>Right after a reset: forgets the ids whose bit is not set, and those beyond the bits; none may be left.</summary>
    internal void KeepIn(ReadOnlySpan<ulong> bits)
    {
        int kept = 0;
        for (int word = 0; word < bits.Length; word++)
        {
            for (ulong left = bits[word]; left != 0; left &= left - 1)
            {
                int id = (word << 6) + BitOperations.TrailingZeroCount(left);
                if (id >= Count)
                    break;
                (logits[kept], ids[kept]) = (logits[id], id);
                kept++;
            }
        }
        Kept(kept);
    }

    /// <summary>Right after a reset: forgets all but some ids, which are in order; none may be left.</summary>
    internal void KeepOnly(ReadOnlySpan<int> some)
    {
        int kept = 0;
        foreach (int id in some)
        {
            if (id >= Count)
                break;
            (logits[kept], ids[kept]) = (logits[id], id);
            kept++;
        }
        Kept(kept);
    }

    /// <summary>Forgets one id, where it is left.</summary>
    internal void Remove(int id)
    {
        int place = Ids.IndexOf(id);
        if (place < 0)
            return;
        ids.AsSpan(place + 1, Count - place - 1).CopyTo(ids.AsSpan(place));
        logits.AsSpan(place + 1, Count - place - 1).CopyTo(logits.AsSpan(place));
        Kept(Count - 1);
    }

    /// <summary>Adds an id that is not left, where there is one of that number.</summary>
    internal void Include(int id, ReadOnlySpan<float> all)
    {
        if ((uint)id >= (uint)ids.Length || Ids.Contains(id))
            return;
        (ids[Count], logits[Count]) = (id, all[id]);
        Kept(Count + 1);
    }

    private void Kept(int count) => (Count, ordered, largest, sums, isWhole, hasPlaces) = (count, 0, null, null, false, false);

    /// <summary>Keeps the fewest, likeliest first, whose probabilities reach a mass; one stays. The others keep their order.</summary>
    public void KeepLikeliest(double mass) => KeepNearest(LargestLogit, 0, mass);

    /// <summary>Keeps the fewest whose probabilities reach a mass, those first whose −ln p is nearest to the entropy; of two equally near the likelier.</summary>
    public void KeepTypical(double mass) => KeepNearest(LargestLogit + LogTotal, Entropy, mass);

    /// <summary>The probabilities softmax(logits) of what is left.</summary>
    public ReadOnlySpan<double> Probabilities() => Probabilities(Count);

    /// <summary>The probabilities, among all that are left, of the first.</summary>
    public ReadOnlySpan<double> Probabilities(int count)
    {
        count = Math.Min(count, Count);
        LogitMath.Probabilities(logits.AsSpan(0, count), LargestLogit, Sums.Total, probabilities);
        return probabilities.AsSpan(0, count);
    }

    /// <summary>Where an id stands; −1 for one that is not left.</summary>
    public int PlaceOf(int id)
    {
        if ((uint)id >= (uint)ids.Length)
            return -1;
        if (isWhole)
            return id;
        places ??= new int[ids.Length];
        if (!hasPlaces)
        {
            for (int i = 0; i < Count; i++)
                places[ids[i]] = i;
            hasPlaces = true;
        }
        // Places of ids that are not left are old, so they are checked.
        int place = places[id];
        return place < Count && ids[place] == id ? place : -1;
    }

    /// <summary>Adds to the logit of an id; −∞ bans it. One that is not left stays so.</summary>
    public void Add(int id, double bias)
    {
        int place = PlaceOf(id);
        if (place >= 0)
            ChangeLogits()[place] = (float)(logits[place] + bias);
    }

    /// <summary>Numbers of ids, all 0, for a step to count with; they are of use until the next one asks.</summary>
    public IdCounts NewCounts()
    {
        counts ??= new IdCounts(ids.Length);
        counts.Clear();
        return counts;
    }

    /// <summary>The id with the largest logit, the lowest id among equals.</summary>
    public int Largest()
    {
        float most = LargestLogit;
        int best = int.MaxValue;
        for (int i = 0; i < Count; i++)
        {
            if (logits[i] == most)
                best = Math.Min(best, ids[i]);
        }
        return best;
    }

    /// <summary>Draws one id by its probability; the number drawn is that of the counter.</summary>
    public int Draw(Philox generator, ulong counter) => Draw(generator, counter, out _);

    /// <summary>Draws one id by its probability and says what that was.</summary>
    public int Draw(Philox generator, ulong counter, out double probability)
    {
        ReadOnlySpan<double> shares = Probabilities();
        double at = generator.Uniform(counter), sum = 0;
        int drawn = 0;
        // What rounding leaves beyond the sum belongs to the last id that has a probability.
        for (int i = 0; i < shares.Length && at >= sum; i++)
        {
            sum += shares[i];
            drawn = shares[i] > 0 ? i : drawn;
        }
        probability = shares[drawn];
        return ids[drawn];
    }

    private void KeepNearest(double certain, double surprise, double mass)
    {
        Probabilities();
        int kept = MassSelection.Keep(logits.AsSpan(0, Count), ids.AsSpan(0, Count), probabilities.AsSpan(0, Count), certain, surprise, mass, keys, ref ordered);
        if (kept < Count)
            (Count, largest, sums, isWhole, hasPlaces) = (kept, null, null, false, false);
    }

    private (double Total, double Weighted) Sums => sums ??= LogitMath.Sums(Logits, LargestLogit);

    private float FindLargest()
    {
        float found = LogitMath.Largest(Logits);
        if (float.IsFinite(found))
            return found;
        for (int i = 0; i < Count; i++)
        {
            if (!(logits[i] < float.PositiveInfinity))
                throw new ArithmeticException($"sampling: a logit must be a number or −∞, but that of id {ids[i]} is {Text(logits[i])}");
        }
        throw new ArithmeticException($"sampling: all {Count} logits are −∞, so there are no probabilities to draw from");
    }

    private static string Text(float value) => float.IsNaN(value) ? "NaN" : "∞";
}
