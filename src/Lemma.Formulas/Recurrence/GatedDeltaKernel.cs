using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>Where one head of one sequence lies, or its gradients; strides are elements from a step to the next.</summary>
/// <param name="Query">The first query.</param>
/// <param name="Key">The first key.</param>
/// <param name="Value">The first value.</param>
/// <param name="Output">The first output, or its gradient.</param>
/// <param name="Decay">The first g.</param>
/// <param name="Beta">The first β.</param>
/// <param name="Length">T.</param>
/// <param name="Width">d.</param>
/// <param name="ValueWidth">d_v.</param>
/// <param name="Stride">Of queries and keys.</param>
/// <param name="ValueStride">Of values.</param>
/// <param name="OutputStride">Of outputs.</param>
/// <param name="DecayStride">Of g.</param>
/// <param name="BetaStride">Of β.</param>
internal readonly unsafe record struct GatedDeltaHead(nint Query, nint Key, nint Value, nint Output, nint Decay, nint Beta, int Length, int Width, int ValueWidth,
    nint Stride, nint ValueStride, nint OutputStride, nint DecayStride, nint BetaStride)
{
    public Span<float> Q(int t) => new((float*)Query + t * Stride, Width);

    public Span<float> K(int t) => new((float*)Key + t * Stride, Width);

    public Span<float> V(int t) => new((float*)Value + t * ValueStride, ValueWidth);

    public Span<float> Y(int t) => new((float*)Output + t * OutputStride, ValueWidth);

    public ref float G(int t) => ref ((float*)Decay)[t * DecayStride];

    public ref float B(int t) => ref ((float*)Beta)[t * BetaStride];
}

/// <summary>The recurrence of <see cref="GatedDeltaRule"/> for one head of one sequence.</summary>
/// <remarks>A step's bits depend on the steps before it alone, so a sequence may be cut anywhere and go on from its state.</remarks>
internal static unsafe class GatedDeltaKernel
{
    // The backward keeps the state before every so many steps, and those between while it passes them.
    private const int StepsAPart = 32;

    /// <summary>y; goes on from a state [d, d_v] and leaves it as it is after the last step, where one is given.</summary>
    public static void Forward(in GatedDeltaHead head, float* memory)
    {
        ScratchPlan plan = default;
        int size = head.Width * head.ValueWidth;
        long deltaPart = plan.Add(head.ValueWidth), statePart = plan.Add(size);
        plan.Take();
        Span<float> delta = new(plan.At(deltaPart), head.ValueWidth), state = new(memory == null ? plan.At(statePart) : memory, size);
        if (memory == null)
            state.Clear();
        LinearAttentionSums sums = new(state, default);
        float scale = (float)(1 / Math.Sqrt(head.Width));
        for (int t = 0; t < head.Length; t++)
        {
            Step(head, t, sums, delta);
            Span<float> y = head.Y(t);
            y.Clear();
            sums.AddRows(head.Q(t), y);
            TensorPrimitives.Multiply(y, scale, y);
        }
    }

    /// <summary>dq, dk, dv, dg and dβ are added to, of a sequence that began without a state; the outputs of both are dy.</summary>
    public static void Backward(in GatedDeltaHead head, in GatedDeltaHead gradient)
    {
        int size = head.Width * head.ValueWidth, parts = (head.Length + StepsAPart - 1) / StepsAPart;
        ScratchPlan plan = default;
        long deltaPart = plan.Add(head.ValueWidth), slopePart = plan.Add(head.ValueWidth), keyPart = plan.Add(head.Width);
        long beforePart = plan.Add((long)parts * size), insidePart = plan.Add((StepsAPart + 1L) * size), risePart = plan.Add(size), fadedPart = plan.Add(size);
        plan.Take();
        Span<float> delta = new(plan.At(deltaPart), head.ValueWidth), slope = new(plan.At(slopePart), head.ValueWidth);
        Span<float> along = new(plan.At(keyPart), head.Width), rise = new(plan.At(risePart), size);
        Span<float> faded = new(plan.At(fadedPart), size);
        float* before = plan.At(beforePart), inside = plan.At(insidePart);
        Span<float> last = new(inside, size);
        last.Clear();
        for (int t = 0; t < head.Length; t++)
        {
            if (t % StepsAPart == 0)
                last.CopyTo(new Span<float>(before + (nint)(t / StepsAPart) * size, size));
            Step(head, t, new LinearAttentionSums(last, default), delta);
        }
        rise.Clear();
        for (int part = parts - 1; part >= 0; part--)
        {
            int first = part * StepsAPart, end = Math.Min(first + StepsAPart, head.Length);
            new Span<float>(before + (nint)part * size, size).CopyTo(new Span<float>(inside, size));
            for (int t = first; t < end; t++)
            {
                Span<float> next = new(inside + (nint)(t - first + 1) * size, size);
                new Span<float>(inside + (nint)(t - first) * size, size).CopyTo(next);
                Step(head, t, new LinearAttentionSums(next, default), delta);
            }
            for (int t = end - 1; t >= first; t--)
            {
                TensorPrimitives.Multiply(new ReadOnlySpan<float>(inside + (nint)(t - first) * size, size), Exp(head.G(t)), faded);
                StepBackward(head, gradient, t, faded, new Span<float>(inside + (nint)(t - first + 1) * size, size), rise, delta, slope, along);
            }
        }
    }

    // S = e^g·S + k·δᵀ, δ = β·(v − (e^g·S)ᵀ·k).
    private static void Step(in GatedDeltaHead head, int t, in LinearAttentionSums state, Span<float> delta)
    {
        TensorPrimitives.Multiply(state.S, Exp(head.G(t)), state.S);
        Delta(head, t, state, delta);
        TensorPrimitives.Multiply(delta, head.B(t), delta);
        state.AddOuter(head.K(t), delta);
    }

    // v − Pᵀ·k.
    private static void Delta(in GatedDeltaHead head, int t, in LinearAttentionSums state, Span<float> delta)
    {
        delta.Clear();
        state.AddRows(head.K(t), delta);
        TensorPrimitives.Subtract(head.V(t), delta, delta);
    }

    // From dS of the state after a step to dS of the one before; P = e^g·S is what the step faded.
    private static void StepBackward(in GatedDeltaHead head, in GatedDeltaHead gradient, int t, Span<float> faded, ReadOnlySpan<float> after, Span<float> rise,
        Span<float> delta, Span<float> slope, Span<float> along)
    {
        float beta = head.B(t), scale = (float)(1 / Math.Sqrt(head.Width));
        LinearAttentionSums slopes = new(rise, default);
        ReadOnlySpan<float> key = head.K(t);
        // dS += q·dyᵀ/√d, dq += S·dy/√d.
        TensorPrimitives.Multiply(gradient.Y(t), scale, slope);
        slopes.AddOuter(head.Q(t), slope);
        AddAlong(after, slope, along, gradient.Q(t));
        // dδ = dSᵀ·k of what the step had to change, and dk by the two places where k stands.
        Delta(head, t, new LinearAttentionSums(faded, default), delta);
        slope.Clear();
        slopes.AddRows(key, slope);
        gradient.B(t) += Lanes.Dot(slope, delta);
        TensorPrimitives.Multiply(delta, beta, delta);
        AddAlong(rise, delta, along, gradient.K(t));
        TensorPrimitives.Multiply(slope, beta, slope);
        TensorPrimitives.Add(gradient.V(t), slope, gradient.V(t));
        TensorPrimitives.Negate(slope, slope);
        AddAlong(faded, slope, along, gradient.K(t));
        slopes.AddOuter(key, slope);
        gradient.G(t) += Lanes.Dot(rise, faded);
        TensorPrimitives.Multiply(rise, Exp(head.G(t)), rise);
    }

    // to += M·value, a dot product a row.
    private static void AddAlong(ReadOnlySpan<float> matrix, ReadOnlySpan<float> value, Span<float> along, Span<float> to)
    {
        for (int i = 0; i < along.Length; i++)
            along[i] = Lanes.Dot(matrix.Slice(i * value.Length, value.Length), value);
        TensorPrimitives.Add(to, along, to);
    }

    private static float Exp(float x) => VectorMath.Exp(Vector512.Create(x))[0];
}
