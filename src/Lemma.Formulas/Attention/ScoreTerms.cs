using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>s ↦ c·tanh(s/c) + b(j − i) for the heads of one key/value head, and a logit σ of a sink in the sum of each row.</summary>
/// <remarks>
/// Any part may be missing. A row's weights are e^s/(Σ e^s + e^σ). The bias is a line over distances, key minus query, which relative
/// buckets and ALiBi fill; its gradient is a line as well. Gemma Team 2024, section 2 (cap); Raffel et al. 2019, section 2.1 (buckets);
/// Press et al. 2021 (ALiBi); Xiao et al. 2023 and OpenAI 2025, gpt-oss (sinks).
/// </remarks>
/// <param name="Cap">c; 0 for none.</param>
/// <param name="Offset">The position of the first query.</param>
/// <param name="Bias">The bias of distance 0 of the group's first head; 0 for none. The line reaches every distance of a query and a key.</param>
/// <param name="BiasStride">Elements from a head's line to the next.</param>
/// <param name="BiasGradient">The like place of the gradient, which this group alone adds to; 0 where none is asked for.</param>
/// <param name="Sinks">[group]; 0 for none.</param>
/// <param name="SinkGradients">[group], which this group alone adds to; 0 where none is asked for.</param>
internal readonly unsafe record struct ScoreTerms(float Cap, int Offset, nint Bias, nint BiasStride, nint BiasGradient, nint Sinks, nint SinkGradients)
    : IScoreFunction
{
    public static bool IsEmpty => false;

    public bool Hides(int query, int queries, int key, int keys) => false;

    public void Apply(int head, int query, int key, Span<float> scores)
    {
        if (Cap != 0)
            Bend(scores, Cap);
        if (Bias != 0)
            System.Numerics.Tensors.TensorPrimitives.Add(scores, new ReadOnlySpan<float>(At(Bias, head, query, key), scores.Length), scores);
    }

    public void Differentiate(int head, int query, int key, ReadOnlySpan<float> scores, Span<float> gradients)
    {
        if (BiasGradient != 0)
        {
            Span<float> sum = new(At(BiasGradient, head, query, key), gradients.Length);
            System.Numerics.Tensors.TensorPrimitives.Add(sum, gradients, sum);
        }
        if (Cap != 0)
            Flatten(scores, Cap, gradients);
    }

    public float Sink(int head) => Sinks == 0 ? float.NegativeInfinity : ((float*)Sinks)[head];

    public void AddSinkGradient(int head, float gradient)
    {
        if (SinkGradients != 0)
            ((float*)SinkGradients)[head] += gradient;
    }

    private float* At(nint line, int head, int query, int key) => (float*)line + head * BiasStride + (key - query - Offset);

    // s ↦ c·tanh(s/c).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Bend(Span<float> scores, float cap)
    {
        int i = 0;
        for (; i + Lanes.Count <= scores.Length; i += Lanes.Count)
            (VectorMath.Tanh(Vector512.Create<float>(scores[i..]) / cap) * cap).CopyTo(scores[i..]);
        if (i < scores.Length)
            Lanes.StoreTail(VectorMath.Tanh(Lanes.LoadTail(scores[i..]) / cap) * cap, scores[i..]);
    }

    // ds ↦ ds·(1 − tanh²(s/c)); a hidden key has no gradient, whatever its score.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Flatten(ReadOnlySpan<float> scores, float cap, Span<float> gradients)
    {
        int i = 0;
        for (; i + Lanes.Count <= scores.Length; i += Lanes.Count)
            Slope(Vector512.Create(scores[i..]), cap, Vector512.Create<float>(gradients[i..])).CopyTo(gradients[i..]);
        if (i < scores.Length)
            Lanes.StoreTail(Slope(Lanes.LoadTail(scores[i..]), cap, Lanes.LoadTail(gradients[i..])), gradients[i..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Slope(Vector512<float> score, float cap, Vector512<float> gradient)
    {
        Vector512<float> bent = VectorMath.Tanh(score / cap);
        return Vector512.ConditionalSelect(Vector512.Equals(gradient, default), default, gradient * Vector512.FusedMultiplyAdd(-bent, bent, Vector512.Create(1f)));
    }
}
