using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>A term of a pair's log ratios w = β·r_w and l = β·r_l, sixteen at a time; m = w − l, whose difference is taken in double.</summary>
internal interface IRatioTerm
{
    /// <summary>t(w, l).</summary>
    Vector512<float> Value(Vector512<float> w, Vector512<float> l, Vector512<float> m);

    /// <summary>∂t/∂w and ∂t/∂l.</summary>
    (Vector512<float> W, Vector512<float> L) Slopes(Vector512<float> w, Vector512<float> l, Vector512<float> m);
}

/// <summary>Means of an <see cref="IRatioTerm"/> over pairs, its slopes, and what such terms are made of.</summary>
internal static class RatioTerms
{
    /// <summary>E[t(β·r_w, β·r_l)]; 0 without pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Mean<TTerm>(TTerm term, double beta, in AnswerPairs pairs) where TTerm : struct, IRatioTerm
    {
        Vector512<double> sum = default;
        for (int i = 0; i < pairs.Count; i += Lanes.Count)
        {
            int count = Math.Min(Lanes.Count, pairs.Count - i);
            (Vector512<float> w, Vector512<float> l, Vector512<float> m) = Ratios(pairs, i, count, beta);
            sum += Lanes.Wide(Lanes.Keep(term.Value(w, l, m), count));
        }
        return pairs.Count == 0 ? 0 : Lanes.Sum(sum) / pairs.Count;
    }

    /// <summary>dr_w += scale·∂t/∂w, dr_l += scale·∂t/∂l, and the reverse for the reference.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddSlopes<TTerm>(TTerm term, double beta, in AnswerPairs pairs, double scale, in AnswerPairGradients gradients)
        where TTerm : struct, IRatioTerm
    {
        Check.SameLength("pairs", pairs.Count, gradients.Chosen.Length);
        Vector512<float> factor = Vector512.Create((float)scale);
        for (int i = 0; i < pairs.Count; i += Lanes.Count)
        {
            int count = Math.Min(Lanes.Count, pairs.Count - i);
            (Vector512<float> w, Vector512<float> l, Vector512<float> m) = Ratios(pairs, i, count, beta);
            (w, l) = term.Slopes(w, l, m);
            (w, l) = (w * factor, l * factor);
            Add(gradients.Chosen.Slice(i, count), w);
            Add(gradients.Rejected.Slice(i, count), l);
            Add(gradients.ReferenceChosen.Slice(i, count), -w);
            Add(gradients.ReferenceRejected.Slice(i, count), -l);
        }
    }

    /// <summary>−ln σ(x) = max(−x, 0) + ln(1 + e^−|x|).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MinusLogSigmoid(Vector512<float> x) => Vector512.MaxNative(default, -x) + VectorMath.LogOnePlusExp(x);

    /// <summary>σ'(x) = σ(x)·σ(−x), which is even.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SigmoidSlope(Vector512<float> x)
    {
        Vector512<float> e = VectorMath.Exp(-Vector512.Abs(x)), sum = Vector512.Create(1f) + e;
        return e / (sum * sum);
    }

    /// <summary>p·q, 0 where p is 0: the limit where q grows more slowly than p falls.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Limited(Vector512<float> p, Vector512<float> q) => Vector512.AndNot(p * q, Vector512.Equals(p, default));

    /// <summary>β must be above 0.</summary>
    public static void RequireBeta(string formula, double beta) => Check.That(beta > 0, formula, $"β must be above 0, but it is {beta}");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> W, Vector512<float> L, Vector512<float> M) Ratios(in AnswerPairs pairs, int first, int count, double beta)
    {
        (Vector512<double> w0, Vector512<double> w1) =
            Margins.Difference(Lanes.LoadTail(pairs.Chosen.Slice(first, count)), Lanes.LoadTail(pairs.ReferenceChosen.Slice(first, count)));
        (Vector512<double> l0, Vector512<double> l1) =
            Margins.Difference(Lanes.LoadTail(pairs.Rejected.Slice(first, count)), Lanes.LoadTail(pairs.ReferenceRejected.Slice(first, count)));
        return (Vector512.Narrow(w0 * beta, w1 * beta), Vector512.Narrow(l0 * beta, l1 * beta), Vector512.Narrow((w0 - l0) * beta, (w1 - l1) * beta));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Span<float> to, Vector512<float> slope) => Lanes.StoreTail(Lanes.LoadTail(to) + slope, to);
}
