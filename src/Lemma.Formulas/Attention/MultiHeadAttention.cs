namespace Lemma.Formulas;

/// <summary>
/// Y = [head₁ … head_H]·W_O, head_h = attention(x·W_Q, m·W_K, m·W_V) of its part of the width; m is x itself or another sequence.
/// </summary>
/// <remarks>
/// x: [b, T, d]; m: [b, S, d]; W_Q: [d, H·d_h]; W_K, W_V: [d, H_kv·d_h]; W_O: [H·d_h, d]. H_kv = H is multi-head, 1 multi-query, between
/// grouped-query; one kernel serves all. Vaswani et al. 2017, section 3.2.2; Shazeer 2019; Ainslie et al. 2023.
/// </remarks>
public static class MultiHeadAttention
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "multi_head_attention",
        Group = "Attention",
        Text = "Y = [head₁ … head_H]·W_O, head_h = attention(x·W_Q, x·W_K, x·W_V)",
        Latex = @"Y = \left[O_1\ldots O_H\right] W_O\qquad O_h = \mathrm{attention}\left(x W_{Q,h}, x W_{K,h}, x W_{V,h}\right)",
        Shapes = "x, Y: [b, T, d]; wq: [d, H·d_h]; wk, wv: [d, H_kv·d_h]; wo: [H·d_h, d]",
        Symbols = "heads (H), kv_heads; mask: none or causal",
        Source = "Vaswani et al. 2017, Attention is all you need, section 3.2.2",
        Gradient = "through the linear maps and the attention",
        Example = "x[2,5,8] wq[8,8] wk[8,8] wv[8,8] wo[8,8] heads=4 mask=causal",
        Evaluate = Evaluate,
    };

    /// <summary>The sizes and the mask.</summary>
    /// <param name="Batch">b.</param>
    /// <param name="Heads">H.</param>
    /// <param name="KeyValueHeads">H_kv.</param>
    /// <param name="Width">d of x and m.</param>
    /// <param name="Mask">What a query sees.</param>
    public readonly record struct Options(int Batch, int Heads, int KeyValueHeads, int Width, HeadAttention.Mask Mask);

    /// <summary>What the forward keeps for the backward.</summary>
    /// <param name="Sizes">Of the attention inside.</param>
    /// <param name="Q">[b, H, T, d_h].</param>
    /// <param name="K">[b, H_kv, S, d_h].</param>
    /// <param name="V">[b, H_kv, S, d_h].</param>
    /// <param name="Heads">[b, H, T, d_h].</param>
    /// <param name="Logs">[b, H, T].</param>
    public sealed record State(HeadSizes Sizes, float[] Q, float[] K, float[] V, float[] Heads, float[] Logs);

    /// <summary>Y.</summary>
    public static State Forward(in Options o, ReadOnlySpan<float> x, ReadOnlySpan<float> memory, ReadOnlySpan<float> wq,
        ReadOnlySpan<float> wk, ReadOnlySpan<float> wv, ReadOnlySpan<float> wo, Span<float> y)
    {
        int d = o.Width, rows = x.Length / d, others = memory.Length / d, wide = wq.Length / d, narrow = wk.Length / d;
        Check.That(o.Heads > 0 && o.KeyValueHeads > 0 && wide % o.Heads == 0 && o.Heads % o.KeyValueHeads == 0, "multi_head_attention",
            $"{o.Heads} heads and {o.KeyValueHeads} key/value heads must divide the width {wide} and each other");
        int width = wide / o.Heads;
        Check.SameLength("multi_head_attention", width * o.KeyValueHeads, narrow);
        HeadSizes sizes = new(o.Batch, o.Heads, o.KeyValueHeads, rows / o.Batch, others / o.Batch, width, width);
        float[] q = HeadSizes.Split(SpanProduct.New(rows, wide, d, x, false, wq, false), o.Batch, o.Heads, width);
        float[] k = HeadSizes.Split(SpanProduct.New(others, narrow, d, memory, false, wk, false), o.Batch, o.KeyValueHeads, width);
        float[] v = HeadSizes.Split(SpanProduct.New(others, narrow, d, memory, false, wv, false), o.Batch, o.KeyValueHeads, width);
        float[] heads = new float[q.Length], logs = new float[q.Length / width];
        ScoredEvaluation.Forward(sizes, o.Mask, q, k, v, heads, logs);
        SpanProduct.Multiply(rows, d, wide, HeadSizes.Join(heads, o.Batch, o.Heads, width), false, wo, false, y);
        return new State(sizes, q, k, v, heads, logs);
    }

    /// <summary>dW_O += headsᵀ·dy, then the attention's gradient, then dx += dq·W_Qᵀ, dm += dk·W_Kᵀ + dv·W_Vᵀ and the weights'.</summary>
    public static void Backward(in Options o, State state, ReadOnlySpan<float> x, ReadOnlySpan<float> memory, ReadOnlySpan<float> wq,
        ReadOnlySpan<float> wk, ReadOnlySpan<float> wv, ReadOnlySpan<float> wo, ReadOnlySpan<float> dy, Span<float> dx, Span<float> dmemory,
        Span<float> dwq, Span<float> dwk, Span<float> dwv, Span<float> dwo)
    {
        ArgumentNullException.ThrowIfNull(state);
        int d = o.Width, rows = x.Length / d, others = memory.Length / d, wide = wq.Length / d, narrow = wk.Length / d,
            width = wide / o.Heads;
        SpanProduct.Multiply(wide, d, rows, HeadSizes.Join(state.Heads, o.Batch, o.Heads, width), true, dy, false, dwo, add: true);
        float[] up = HeadSizes.Split(SpanProduct.New(rows, wide, d, dy, false, wo, true), o.Batch, o.Heads, width);
        float[] dq = new float[up.Length], dk = new float[state.K.Length], dv = new float[state.V.Length];
        ScoredEvaluation.Backward(state.Sizes, o.Mask, state.Q, state.K, state.V, state.Heads, state.Logs, up, dq, dk, dv);
        Through(HeadSizes.Join(dq, o.Batch, o.Heads, width), x, wq, rows, wide, d, dx, dwq);
        Through(HeadSizes.Join(dk, o.Batch, o.KeyValueHeads, width), memory, wk, others, narrow, d, dmemory, dwk);
        Through(HeadSizes.Join(dv, o.Batch, o.KeyValueHeads, width), memory, wv, others, narrow, d, dmemory, dwv);
    }

    // The gradient of y = x·W.
    private static void Through(float[] dy, ReadOnlySpan<float> x, ReadOnlySpan<float> w, int rows, int outputs, int inputs, Span<float> dx,
        Span<float> dw)
    {
        SpanProduct.Multiply(rows, inputs, outputs, dy, false, w, true, dx, add: true);
        SpanProduct.Multiply(inputs, outputs, rows, x, true, dy, false, dw, add: true);
    }

    private static Values Evaluate(FormulaCall call) =>
        Run(call, "multi_head_attention", "x", call.Whole("kv_heads", call.Whole("heads")), Forward, Backward);

    internal delegate State ForwardOf(in Options o, ReadOnlySpan<float> x, ReadOnlySpan<float> memory, ReadOnlySpan<float> wq,
        ReadOnlySpan<float> wk, ReadOnlySpan<float> wv, ReadOnlySpan<float> wo, Span<float> y);

    internal delegate void BackwardOf(in Options o, State state, ReadOnlySpan<float> x, ReadOnlySpan<float> memory, ReadOnlySpan<float> wq,
        ReadOnlySpan<float> wk, ReadOnlySpan<float> wv, ReadOnlySpan<float> wo, ReadOnlySpan<float> dy, Span<float> dx, Span<float> dmemory,
        Span<float> dwq, Span<float> dwk, Span<float> dwv, Span<float> dwo);

    /// <summary>Evaluates multi-head attention or one of its kin by its own functions.</summary>
    internal static Values Run(FormulaCall call, string formula, string other, int keyValueHeads, ForwardOf forward, BackwardOf backward)
    {
        Values x = call.Input("x", -1, -1, -1), m = call.Input(other, x.Shape[0], -1, x.Columns), y = x.Like();
        Values wq = call.Input("wq", x.Columns, -1), wk = call.Input("wk", x.Columns, -1), wv = call.Input("wv", x.Columns, wk.Columns);
        Values wo = call.Input("wo", wq.Columns, x.Columns);
        Check.That(x.Count > 0, formula, $"x must not be empty, but it is {x}");
        string mask = call.Word("mask", "none");
        Check.That(mask is "none" or "causal", formula, $"the mask must be none or causal, but it is {mask}");
        Options options = new(x.Shape[0], call.Whole("heads"), keyValueHeads, x.Columns, new HeadAttention.Mask(mask == "causal"));
        State state = forward(options, x, m, wq, wk, wv, wo, y);
        if (call.Backward(y, out float[]? dy))
        {
            backward(options, state, x, m, wq, wk, wv, wo, dy, call.Gradient("x"), call.Gradient(other),
                call.Gradient("wq"), call.Gradient("wk"), call.Gradient("wv"), call.Gradient("wo"));
        }
        return y;
    }
}
