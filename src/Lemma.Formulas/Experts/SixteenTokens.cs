using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>Routing of sixteen tokens, one a lane: the loops run over experts, [experts, 16].</summary>
/// <remarks>Fewer tokens leave lanes whose numbers nothing reads. The memory is the thread's, until the next formula takes it.</remarks>
internal readonly unsafe struct SixteenTokens
{
    private const int Side = Lanes.Count;
    private readonly Routing.Options o;
    // Logits become keys, scores stay; a place a group or an expert modulo 16; rows; of each pick its score, gate or slope, expert.
    private readonly float* keys, scores, sums, rows, weights, gates;
    private readonly int* picks;

    /// <summary>Takes its memory.</summary>
    public SixteenTokens(in Routing.Options options)
    {
        o = options;
        int wide = checked(Side * o.Experts), narrow = Side * o.TopK, other = Side * Math.Max(Side, o.Groups);
        keys = ThreadScratch.Take(3L * wide + 3L * narrow + other);
        scores = keys + wide;
        rows = scores + wide;
        sums = rows + wide;
        weights = sums + other;
        gates = weights + narrow;
        picks = (int*)(gates + narrow);
    }

    /// <summary>s = softmax(z) or σ(z), kept and written.</summary>
    public void Score(float* logits, int count, float* to)
    {
        Packing.Transpose(logits, o.Experts, count, o.Experts, keys, Side);
        if (o.Softmax)
            Softmax();
        else
            Sigmoid();
        Packing.TransposeLines(scores, Side, o.Experts, count, to, o.Experts);
    }

    // The sum in the order of the softmax of a row, so with the same bits: by experts modulo 16, then halves, quarters, pairs.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Softmax()
    {
        int experts = o.Experts, parts = Math.Min(experts, Side);
        float* z = keys, p = scores, part = sums;
        Vector512<float> largest = Vector512.Load(z);
        for (int e = 1; e < experts; e++)
            largest = Vector512.MaxNative(largest, Vector512.Load(z + e * Side));
        for (int e = 0; e < experts; e++)
        {
            Vector512<float> weight = VectorMath.Exp(Vector512.Load(z + e * Side) - largest);
            weight.Store(p + e * Side);
            float* sum = part + e % Side * Side;
            (e < Side ? weight : Vector512.Load(sum) + weight).Store(sum);
        }
        for (int half = Side / 2; half > 0; half /= 2)
        {
            for (int i = 0; i < half && i + half < parts; i++)
                (Vector512.Load(part + i * Side) + Vector512.Load(part + (i + half) * Side)).Store(part + i * Side);
            parts = Math.Min(parts, half);
        }
        Vector512<float> factor = Vector512.Create(1f) / Vector512.Load(part);
        // Logits of −∞ alone give zeros.
        Vector512<float> isNone = Vector512.Equals(largest, Vector512.Create(float.NegativeInfinity));
        for (int e = 0; e < experts; e++)
            Vector512.AndNot(Vector512.Load(p + e * Side) * factor, isNone).Store(p + e * Side);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Sigmoid()
    {
        for (int i = 0; i < o.Experts * Side; i += Side)
            VectorMath.Sigmoid(Vector512.Load(keys + i)).Store(scores + i);
    }

    /// <summary>The k largest of s + b, the first of equal ones first, and their scores.</summary>
    public void Pick(float* bias)
    {
        for (int e = 0; e < o.Experts; e++)
        {
            Vector512<float> key = Vector512.Load(scores + e * Side);
            (bias == null ? key : key + Vector512.Create(bias[e])).Store(keys + e * Side);
        }
        if (o.Groups > 1)
            HideGroups();
        for (int pick = 0; pick < o.TopK; pick++)
        {
            Vector512<int> at = Largest(keys, o.Experts);
            at.Store(picks + pick * Side);
            Take(keys, scores, o.Experts, at).Store(weights + pick * Side);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector512<int> Largest(float* keys, int count)
    {
        Vector512<float> best = Vector512.Load(keys);
        Vector512<int> at = default;
        for (int e = 1; e < count; e++)
        {
            Vector512<float> key = Vector512.Load(keys + e * Side), isLarger = Vector512.GreaterThan(key, best);
            best = Vector512.ConditionalSelect(isLarger, key, best);
            at = Vector512.ConditionalSelect(isLarger.AsInt32(), Vector512.Create(e), at);
        }
        return at;
    }

    // The values at a place; its keys are −∞ from then on.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector512<float> Take(float* keys, float* values, int count, Vector512<int> at)
    {
        Vector512<float> taken = default, hidden = Vector512.Create(float.NegativeInfinity);
        for (int e = 0; e < count; e++)
        {
            Vector512<float> isThere = Vector512.Equals(at, Vector512.Create(e)).AsSingle();
            taken |= Vector512.Load(values + e * Side) & isThere;
            Vector512.ConditionalSelect(isThere, hidden, Vector512.Load(keys + e * Side)).Store(keys + e * Side);
        }
        return taken;
    }

    // Groups count by their best key, or the sum of their two best; those that may not be picked from get keys of −∞.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void HideGroups()
    {
        int size = o.Experts / o.Groups;
        Vector512<float> none = Vector512.Create(float.NegativeInfinity);
        for (int g = 0; g < o.Groups; g++)
        {
            Vector512<float> first = none, second = none;
            for (int e = g * size; e < (g + 1) * size; e++)
            {
                Vector512<float> key = Vector512.Load(keys + e * Side), isLarger = Vector512.GreaterThan(key, first);
                second = Vector512.ConditionalSelect(isLarger, first, Vector512.Max(second, key));
                first = Vector512.ConditionalSelect(isLarger, key, first);
            }
            (size == 1 || o.GroupsByBest ? first : first + second).Store(sums + g * Side);
        }
        for (int n = 0; n < o.GroupLimit; n++)
            Take(sums, sums, o.Groups, Largest(sums, o.Groups));
        for (int e = 0; e < o.Experts; e++)
        {
            Vector512<float> isTaken = Vector512.Equals(Vector512.Load(sums + e / size * Side), none);
            Vector512.ConditionalSelect(isTaken, Vector512.Load(keys + e * Side), none).Store(keys + e * Side);
        }
    }

    /// <summary>Gates: scores of the picked, times the scale, over their sum where that is asked for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Weigh()
    {
        Vector512<double> lowerTotal = default, upperTotal = default, scale = Vector512.Create((double)o.Scale);
        for (int i = 0; i < o.TopK * Side; i += Side)
        {
            (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(Vector512.Load(weights + i));
            (lowerTotal, upperTotal) = (lowerTotal + lower, upperTotal + upper);
        }
        (lowerTotal, upperTotal) = (lowerTotal + Vector512.Create(o.Epsilon), upperTotal + Vector512.Create(o.Epsilon));
        (Vector512<double> lowerFactor, Vector512<double> upperFactor) =
            o.Renormalize ? (scale / lowerTotal, scale / upperTotal) : (scale, scale);
        for (int i = 0; i < o.TopK * Side; i += Side)
        {
            (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(Vector512.Load(weights + i));
            Vector512.Narrow(lower * lowerFactor, upper * upperFactor).Store(gates + i);
        }
    }

    /// <summary>Gates to where they are not 0, and the picked experts.</summary>
    public void Write(int count, float* to, int* picked)
    {
        for (int token = 0; token < count; token++, to += o.Experts)
        {
            for (int i = token; i < o.TopK * Side; i += Side)
            {
                *picked++ = picks[i];
                to[picks[i]] = gates[i];
            }
        }
    }

    /// <summary>Adds to each expert how often it was picked, and its scores.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Count(int count, Span<int> loads, Span<double> masses)
    {
        ulong tokens = (1UL << count) - 1;
        for (int e = 0; e < loads.Length; e++)
        {
            for (int i = 0; i < o.TopK * Side; i += Side)
            {
                loads[e] += BitOperations.PopCount(tokens
                    & Vector512.ExtractMostSignificantBits(Vector512.Equals(Vector512.Load(picks + i), Vector512.Create(e))));
            }
            masses[e] += Lanes.Sum(Lanes.Wide(Lanes.Keep(Vector512.Load(scores + e * Side), count)));
        }
    }

    /// <summary>Scores, whose slopes are the same for all tokens: scaled shares.</summary>
    public void Read(int count, float* from, float* shares, float scale)
    {
        Packing.Transpose(from, o.Experts, count, o.Experts, scores, Side);
        for (int e = 0; e < o.Experts; e++)
            Vector512.Create(shares[e] * scale).Store(keys + e * Side);
    }

    /// <summary>Scores, and their slopes from those of the gates of the picked, and others that arrived at scores.</summary>
    public void Read(int count, float* from, int* picked, float* dgates, float* dscores)
    {
        Packing.Transpose(from, o.Experts, count, o.Experts, scores, Side);
        for (int token = 0; token < count; token++, from += o.Experts, dgates += o.Experts)
        {
            for (int i = token; i < o.TopK * Side; i += Side)
            {
                int e = *picked++;
                (picks[i], weights[i], gates[i]) = (e, from[e], dgates[e]);
            }
        }
        ScoreSlopes();
        if (dscores == null)
            new Span<float>(keys, o.Experts * Side).Clear();
        else
            Packing.Transpose(dscores, o.Experts, count, o.Experts, keys, Side);
        for (int i = 0; i < o.TopK * Side; i += Side)
        {
            for (int token = 0; token < count; token++)
                keys[picks[i + token] * Side + token] += gates[i + token];
        }
    }

    /// <summary>dlogits += what the slopes of scores give.</summary>
    public void AddSlopes(int count, float* to)
    {
        LogitSlopes();
        Packing.TransposeLines(keys, Side, o.Experts, count, rows, o.Experts);
        Span<float> sum = new(to, count * o.Experts);
        System.Numerics.Tensors.TensorPrimitives.Add(sum, new ReadOnlySpan<float>(rows, sum.Length), sum);
    }

    // Of the picked: ds = scale·(dg − Σ s·dg/Σ s)/Σ s, or scale·dg.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ScoreSlopes()
    {
        Vector512<double> lowerTotal = default, upperTotal = default, lowerAlong = default, upperAlong = default;
        Vector512<double> lowerFactor = Vector512.Create((double)o.Scale), upperFactor = lowerFactor;
        if (o.Renormalize)
        {
            for (int i = 0; i < o.TopK * Side; i += Side)
            {
                (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(Vector512.Load(weights + i));
                (Vector512<double> lowerUp, Vector512<double> upperUp) = Vector512.Widen(Vector512.Load(gates + i));
                (lowerTotal, upperTotal) = (lowerTotal + lower, upperTotal + upper);
                (lowerAlong, upperAlong) = (lowerAlong + lower * lowerUp, upperAlong + upper * upperUp);
            }
            (lowerTotal, upperTotal) = (lowerTotal + Vector512.Create(o.Epsilon), upperTotal + Vector512.Create(o.Epsilon));
            (lowerAlong, upperAlong) = (lowerAlong / lowerTotal, upperAlong / upperTotal);
            (lowerFactor, upperFactor) = (lowerFactor / lowerTotal, upperFactor / upperTotal);
        }
        for (int i = 0; i < o.TopK * Side; i += Side)
        {
            (Vector512<double> lowerUp, Vector512<double> upperUp) = Vector512.Widen(Vector512.Load(gates + i));
            Vector512.Narrow((lowerUp - lowerAlong) * lowerFactor, (upperUp - upperAlong) * upperFactor).Store(gates + i);
        }
    }

    // Of all: dz = s·(ds − Σ s·ds), or ds·s·(1 − s).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void LogitSlopes()
    {
        Vector512<float> along = default;
        for (int i = 0; i < o.Experts * Side && o.Softmax; i += Side)
            along = Vector512.FusedMultiplyAdd(Vector512.Load(scores + i), Vector512.Load(keys + i), along);
        for (int i = 0; i < o.Experts * Side; i += Side)
        {
            Vector512<float> s = Vector512.Load(scores + i), slope = Vector512.Load(keys + i);
            slope = o.Softmax ? s * (slope - along) : slope * s * (Vector512.Create(1f) - s);
            slope.Store(keys + i);
        }
    }
}
