using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>Where one head of one sequence lies, or its gradients.</summary>
/// <param name="Query">The first query.</param>
/// <param name="Key">The first key.</param>
/// <param name="Value">The first value.</param>
/// <param name="Output">The first output.</param>
/// <param name="Length">T.</param>
/// <param name="Width">d.</param>
/// <param name="ValueWidth">d_v.</param>
/// <param name="Stride">Elements from a query or key to the next.</param>
/// <param name="ValueStride">Elements from a value or output to the next.</param>
internal readonly unsafe record struct LinearAttentionHead(nint Query, nint Key, nint Value, nint Output, int Length, int Width, int ValueWidth,
    nint Stride, nint ValueStride)
{
    public Span<float> Q(int t) => new((float*)Query + t * Stride, Width);

    public Span<float> K(int t) => new((float*)Key + t * Stride, Width);

    public Span<float> V(int t) => new((float*)Value + t * ValueStride, ValueWidth);

    public Span<float> Y(int t) => new((float*)Output + t * ValueStride, ValueWidth);
}

/// <summary>The recurrence of <see cref="LinearAttention"/> for one head of one sequence.</summary>
/// <remarks>A step's bits depend on the steps before it alone, so a sequence may be cut anywhere and go on from its state.</remarks>
internal static unsafe class LinearAttentionKernel
{
    /// <summary>Elements of a head's state: S [d, d_v], then z [d].</summary>
    public static int SumsSize(int width, int valueWidth) => width * valueWidth + width;

    /// <summary>y; goes on from a state and leaves it as it is after the last step, where one is given.</summary>
    public static void Forward(in LinearAttentionHead head, bool causal, float* memory)
    {
        ScratchPlan plan = default;
        int size = SumsSize(head.Width, head.ValueWidth);
        long featurePart = plan.Add(head.Width), statePart = plan.Add(size);
        plan.Take();
        Span<float> features = new(plan.At(featurePart), head.Width);
        LinearAttentionSums state = SumsAt(memory == null ? plan.At(statePart) : memory, head);
        if (memory == null)
            state.Clear();
        for (int t = 0; t < head.Length && !causal; t++)
            state.Add(Map(head.K(t), features), head.V(t));
        for (int t = 0; t < head.Length; t++)
        {
            if (causal)
                state.Add(Map(head.K(t), features), head.V(t));
            state.Read(Map(head.Q(t), features), head.Y(t));
        }
    }

    /// <summary>dq, dk and dv are added to, from the gradient of y of a sequence that began without a state.</summary>
    /// <param name="head">q, k, v and y.</param>
    /// <param name="gradient">dq, dk, dv and dy.</param>
    /// <param name="causal">Whether a step sees no later one.</param>
    /// <param name="inverses">[T], for 1/(φ(q)·z).</param>
    public static void Backward(in LinearAttentionHead head, in LinearAttentionHead gradient, bool causal, Span<float> inverses)
    {
        ScratchPlan plan = default;
        long featurePart = plan.Add(head.Width), slopePart = plan.Add(head.Width), risePart = plan.Add(head.ValueWidth);
        long statePart = plan.Add(SumsSize(head.Width, head.ValueWidth));
        plan.Take();
        Span<float> features = new(plan.At(featurePart), head.Width), slopes = new(plan.At(slopePart), head.Width);
        Span<float> rise = new(plan.At(risePart), head.ValueWidth);
        LinearAttentionSums state = SumsAt(plan.At(statePart), head);
        state.Clear();
        for (int t = 0; t < head.Length && !causal; t++)
            state.Add(Map(head.K(t), features), head.V(t));
        for (int t = 0; t < head.Length; t++)
        {
            if (causal)
                state.Add(Map(head.K(t), features), head.V(t));
            Map(head.Q(t), features);
            inverses[t] = 1 / Lanes.Dot(features, state.Z);
            float along = Rise(head, gradient, t, inverses[t], rise);
            state.Along(rise, along, slopes);
            Elementwise.Backward<FeatureMap>(head.Q(t), slopes, gradient.Q(t));
        }
        state.Clear();
        for (int t = head.Length - 1; t >= 0 && !causal; t--)
            AddRise(head, gradient, t, inverses[t], features, rise, state);
        for (int t = head.Length - 1; t >= 0; t--)
        {
            if (causal)
                AddRise(head, gradient, t, inverses[t], features, rise, state);
            state.Along(head.V(t), 1, slopes);
            Elementwise.Backward<FeatureMap>(head.K(t), slopes, gradient.K(t));
            state.AddRows(Map(head.K(t), features), gradient.V(t));
        }
    }

    /// <summary>φ(x) = elu(x) + 1.</summary>
    public static Span<float> Map(ReadOnlySpan<float> x, Span<float> features)
    {
        Elementwise.Forward<FeatureMap>(x, features);
        return features;
    }

    // dn = dy/m; gives dm = −⟨dy, y⟩/m.
    private static float Rise(in LinearAttentionHead head, in LinearAttentionHead gradient, int t, float inverse, Span<float> rise)
    {
        TensorPrimitives.Multiply(gradient.Y(t), inverse, rise);
        return -Lanes.Dot(gradient.Y(t), head.Y(t)) * inverse;
    }

    private static void AddRise(in LinearAttentionHead head, in LinearAttentionHead gradient, int t, float inverse, Span<float> features,
        Span<float> rise, LinearAttentionSums state)
    {
        float along = Rise(head, gradient, t, inverse, rise);
        state.Add(Map(head.Q(t), features), rise, along);
    }

    private static LinearAttentionSums SumsAt(float* memory, in LinearAttentionHead head) =>
        new(new Span<float>(memory, head.Width * head.ValueWidth), new Span<float>(memory + head.Width * head.ValueWidth, head.Width));

    // elu(x) + 1.
    private readonly struct FeatureMap : IFunction
    {
        public static Vector512<float> Value(Vector512<float> x) =>
            Vector512.ConditionalSelect(Vector512.GreaterThan(x, default), x + Vector512.Create(1f), VectorMath.Exp(x));

        public static Vector512<float> Derivative(Vector512<float> x) =>
            Vector512.ConditionalSelect(Vector512.GreaterThan(x, default), Vector512.Create(1f), VectorMath.Exp(x));
    }
}
