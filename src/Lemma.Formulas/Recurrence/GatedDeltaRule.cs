using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>S_t = e^g_t·S_{t−1} + k_t·δ_tᵀ, δ_t = β_t·(v_t − (e^g_t·S_{t−1})ᵀ·k_t), y_t = S_tᵀ·q_t/√d.</summary>
/// <remarks>
/// q, k: [b, H_k, T, d]; v, y: [b, H, T, d_v]; g, β: [b, H, T]; heads of a group share q and k. A key that stands in the state gets a new value, as far as β
/// says, and all else fades by e^g. Yang, Kautz and Hatamizadeh 2024, eq. 10.
/// </remarks>
public static class GatedDeltaRule
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "gated_delta_rule",
        Group = "Recurrence",
        Text = "S_t = e^g·S_{t−1} + k_t·δ_tᵀ, δ_t = β·(v_t − (e^g·S_{t−1})ᵀ·k_t), y_t = S_tᵀ·q_t/√d",
        Latex = """
            S_t = e^{g_t} S_{t-1} + k_t\delta_t^\top\qquad \delta_t = \beta_t\left(v_t - \left(e^{g_t} S_{t-1}\right)^\top k_t\right)
            y_t = \frac{S_t^\top q_t}{\sqrt{d}}
            """,
        Shapes = "q, k: [b, H_k, T, d]; v, y: [b, H, T, d_v]; decay (g), beta (β): [b, H, T]",
        Symbols = "g ≤ 0; β in [0, 1]; S_0 = 0; chunk: length of a chunk, 0 for the recurrence",
        Source = "Yang, Kautz and Hatamizadeh 2024, Gated delta networks, eq. 10 and section 3.3",
        Gradient = "backward through the steps: dS += q·dyᵀ/√d, dδ = dSᵀ·k, dP = dS − k·(β·dδ)ᵀ, dg = ⟨dP, e^g·S⟩",
        Notes = "Linear in the length; chunks give the same as the recurrence.",
        Example = "q[1,2,9,4]*0.5 k[1,2,9,4]*0.5 v[1,4,9,3] decay[1,4,9]*0.1 beta[1,4,9]*0.5",
        Evaluate = Evaluate,
    };

    /// <summary>The sizes.</summary>
    /// <param name="Batch">b.</param>
    /// <param name="KeyHeads">H_k, which divides H.</param>
    /// <param name="Heads">H.</param>
    /// <param name="Length">T.</param>
    /// <param name="Width">d.</param>
    /// <param name="ValueWidth">d_v.</param>
    public readonly record struct DeltaSizes(int Batch, int KeyHeads, int Heads, int Length, int Width, int ValueWidth)
    {
        internal int Group => Heads / KeyHeads;
    }

    /// <summary>y, one step after another.</summary>
    public static unsafe void Forward(in DeltaSizes sizes, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, ReadOnlySpan<float> decay,
        ReadOnlySpan<float> beta, Span<float> y)
    {
        CheckInput(sizes, q, k, v, decay, beta, y);
        fixed (float* pq = q, pk = k, pv = v, pg = decay, pb = beta, py = y)
        {
            for (int head = 0; head < sizes.Batch * sizes.Heads; head++)
                GatedDeltaKernel.Forward(Head(sizes, head, pq, pk, pv, py, pg, pb), null);
        }
    }

    /// <summary>y in chunks: what the steps of a chunk change of each other, and the state of the chunks before for the rest; equal to the recurrence.</summary>
    public static void ForwardChunked(in DeltaSizes sizes, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, ReadOnlySpan<float> decay,
        ReadOnlySpan<float> beta, int chunk, Span<float> y)
    {
        CheckInput(sizes, q, k, v, decay, beta, y);
        Check.That(chunk > 0, "gated_delta_rule", $"a chunk must have at least one step, but it has {chunk}");
        (int length, int d, int width) = (sizes.Length, sizes.Width, sizes.ValueWidth);
        float[] memory = new float[d * width], deltas = new float[Math.Min(chunk, length) * width], changed = new float[width];
        double[] sums = new double[Math.Min(chunk, length) + 1];
        LinearAttentionSums state = new(memory, default);
        float scale = (float)(1 / Math.Sqrt(d));
        for (int head = 0; head < sizes.Batch * sizes.Heads; head++)
        {
            memory.AsSpan().Clear();
            int shared = head / sizes.Group * length, own = head * length;
            for (int first = 0, count; first < length; first += count)
            {
                count = Math.Min(chunk, length - first);
                for (int t = 0; t < count; t++)
                {
                    int place = own + first + t;
                    sums[t + 1] = sums[t] + decay[place];
                    ReadOnlySpan<float> key = k.Slice((shared + first + t) * d, d), query = q.Slice((shared + first + t) * d, d);
                    Span<float> delta = deltas.AsSpan(t * width, width), to = y.Slice(place * width, width);
                    Earlier(state, key, sums, t, k[((shared + first) * d)..], deltas, d, changed, t);
                    TensorPrimitives.Subtract(v.Slice(place * width, width), changed, delta);
                    TensorPrimitives.Multiply(delta, beta[place], delta);
                    Earlier(state, query, sums, t, k[((shared + first) * d)..], deltas, d, to, t + 1);
                    TensorPrimitives.Multiply(to, scale, to);
                }
                TensorPrimitives.Multiply(memory, (float)Math.Exp(sums[count]), memory);
                for (int t = 0; t < count; t++)
                {
                    ReadOnlySpan<float> key = k.Slice((shared + first + t) * d, d);
                    float kept = (float)Math.Exp(sums[count] - sums[t + 1]);
                    for (int i = 0; i < d; i++)
                        Lanes.AddScaled(deltas.AsSpan(t * width, width), kept * key[i], memory.AsSpan(i * width, width));
                }
            }
        }
    }

    /// <summary>dq, dk, dv, dg and dβ are added to.</summary>
    public static unsafe void Backward(in DeltaSizes sizes, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, ReadOnlySpan<float> decay,
        ReadOnlySpan<float> beta, ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk, Span<float> dv, Span<float> ddecay, Span<float> dbeta)
    {
        CheckInput(sizes, q, k, v, decay, beta, dy);
        CheckInput(sizes, dq, dk, dv, ddecay, dbeta, dy);
        fixed (float* pq = q, pk = k, pv = v, pg = decay, pb = beta, pup = dy, pdq = dq, pdk = dk, pdv = dv, pdg = ddecay, pdb = dbeta)
        {
            for (int head = 0; head < sizes.Batch * sizes.Heads; head++)
                GatedDeltaKernel.Backward(Head(sizes, head, pq, pk, pv, pup, pg, pb), Head(sizes, head, pdq, pdk, pdv, pup, pdg, pdb));
        }
    }

    // (e^G·S)ᵀ·x + Σ e^(G − G_i)·⟨k_i, x⟩·δ_i over the first steps of the chunk.
    private static void Earlier(in LinearAttentionSums state, ReadOnlySpan<float> x, double[] sums, int step, ReadOnlySpan<float> keys, ReadOnlySpan<float> deltas,
        int d, Span<float> y, int steps)
    {
        y.Clear();
        state.AddRows(x, y);
        TensorPrimitives.Multiply(y, (float)Math.Exp(sums[step + 1]), y);
        for (int i = 0; i < steps; i++)
        {
            float weight = (float)Math.Exp(sums[step + 1] - sums[i + 1]) * Lanes.Dot(keys.Slice(i * d, d), x);
            Lanes.AddScaled(deltas.Slice(i * y.Length, y.Length), weight, y);
        }
    }

    private static unsafe GatedDeltaHead Head(in DeltaSizes sizes, int head, float* q, float* k, float* v, float* y, float* decay, float* beta)
    {
        nint shared = (nint)(head / sizes.Group) * sizes.Length * sizes.Width, own = (nint)head * sizes.Length;
        return new GatedDeltaHead((nint)(q + shared), (nint)(k + shared), (nint)(v + own * sizes.ValueWidth), (nint)(y + own * sizes.ValueWidth),
            (nint)(decay + own), (nint)(beta + own), sizes.Length, sizes.Width, sizes.ValueWidth, sizes.Width, sizes.ValueWidth, sizes.ValueWidth, 1, 1);
    }

    private static void CheckInput(in DeltaSizes sizes, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, ReadOnlySpan<float> decay,
        ReadOnlySpan<float> beta, ReadOnlySpan<float> y)
    {
        int rows = sizes.Batch * sizes.Heads * sizes.Length;
        Check.SameLength("gated_delta_rule", sizes.Batch * sizes.KeyHeads * sizes.Length * sizes.Width, q.Length);
        Check.SameLength("gated_delta_rule", q.Length, k.Length);
        Check.SameLength("gated_delta_rule", rows * sizes.ValueWidth, v.Length);
        Check.SameLength("gated_delta_rule", rows, decay.Length);
        Check.SameLength("gated_delta_rule", rows, beta.Length);
        Check.SameLength("gated_delta_rule", v.Length, y.Length);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values q = call.Input("q", -1, -1, -1, -1), k = call.Same("k", q), v = call.Input("v", q.Shape[0], -1, q.Shape[2], -1);
        Values decay = call.Input("decay", q.Shape[0], v.Shape[1], q.Shape[2]), beta = call.Same("beta", decay), y = v.Like();
        Check.That(q.Shape[1] > 0 && v.Shape[1] % q.Shape[1] == 0, "gated_delta_rule", $"{q.Shape[1]} heads of keys do not divide {v.Shape[1]} heads of values");
        DeltaSizes sizes = new(q.Shape[0], q.Shape[1], v.Shape[1], q.Shape[2], q.Columns, v.Columns);
        int chunk = call.Whole("chunk", 0);
        if (chunk > 0)
            ForwardChunked(sizes, q, k, v, decay, beta, chunk, y);
        else
            Forward(sizes, q, k, v, decay, beta, y);
        if (call.Backward(y, out float[]? dy))
        {
            Backward(sizes, q, k, v, decay, beta, dy, call.Gradient("q"), call.Gradient("k"), call.Gradient("v"), call.Gradient("decay"),
                call.Gradient("beta"));
        }
        return y;
    }
}
