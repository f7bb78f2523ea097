namespace Lemma.Formulas;

/// <summary>Causal attention in which head h sees the last w_h positions: short windows for some heads, long ones for others.</summary>
/// <remarks>
/// q: [b, H, T, d]; k, v: [b, H_kv, S, d]; windows: one a head, 0 for all positions. Guo, Qiu, Liu et al. 2019, Multi-scale self-attention,
/// section 3.
/// </remarks>
public static class MultiScaleWindowAttention
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "multi_scale_window_attention",
        Group = "Attention",
        Text = "Y_h = softmax(Q·Kᵀ/√d + M_h)·V, M_h = 0 for 0 ≤ i − j < w_h, else −∞",
        Latex = """
            Y_h = \mathrm{softmax}\left(\frac{Q_h K_h^\top}{\sqrt{d}} + M_h\right) V_h
            M_{h,ij} = \begin{cases} 0 & 0\le i - j\lt w_h \cr -\infty & \text{else} \end{cases}
            """,
        Shapes = "q, Y: [b, H, T, d]; k, v: [b, H_kv, S, d]",
        Symbols = "windows (w): one a head, 0 for all positions",
        Source = "Guo et al. 2019, Multi-scale self-attention for text classification, section 3",
        Gradient = "as attention; hidden keys get 0",
        Notes = "Not what MLA stands for (correction 4).",
        Example = "q[1,3,7,4] k[1,3,7,4] v[1,3,7,4] windows=1,3,0",
        Evaluate = Evaluate,
    };

    private readonly record struct Score(int[] Windows, int Offset) : IScore
    {
        public double Cap => 0;

        public double Sink(int head) => double.NegativeInfinity;

        public void AccumulateSink(int head, double gradient) { }

        public int Form(int i, int j) => 0;

        public void Accumulate(int sequence, int head, int i, int j, float gradient) { }

        public float Add(int sequence, int head, int i, int j)
        {
            int back = i + Offset - j;
            return back >= 0 && (Windows[head] == 0 || back < Windows[head]) ? 0 : float.NegativeInfinity;
        }
    }

    /// <summary>Y and ln Σ e^score, [b, H, T]; each head takes the keys of its window alone.</summary>
    public static void Forward(in HeadSizes sizes, ReadOnlySpan<int> windows, ReadOnlySpan<float> q, ReadOnlySpan<float> k,
        ReadOnlySpan<float> v, Span<float> y, Span<float> logs)
    {
        CheckWindows(sizes, windows);
        for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
        {
            HeadAttention.One one = new(sizes, index);
            HeadAttention.Forward(one.Sizes, new HeadAttention.Mask(true, windows[index % sizes.Heads]), one.Queries(q), one.Keys(k),
                one.Values(v), one.Outputs(y), one.Logs(logs));
        }
    }

    /// <summary>dQ, dK and dV are added to.</summary>
    public static void Backward(in HeadSizes sizes, ReadOnlySpan<int> windows, ReadOnlySpan<float> q, ReadOnlySpan<float> k,
        ReadOnlySpan<float> v, ReadOnlySpan<float> y, ReadOnlySpan<float> logs, ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk,
        Span<float> dv)
    {
        CheckWindows(sizes, windows);
        for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
        {
            HeadAttention.One one = new(sizes, index);
            HeadAttention.Backward(one.Sizes, new HeadAttention.Mask(true, windows[index % sizes.Heads]), one.Queries(q), one.Keys(k),
                one.Values(v), one.Outputs(y), one.Logs(logs), one.Outputs(dy), one.Queries(dq), one.Keys(dk), one.Values(dv));
        }
    }

    private static void CheckWindows(in HeadSizes sizes, ReadOnlySpan<int> windows)
    {
        Check.SameLength("multi_scale_window_attention", sizes.Heads, windows.Length);
        foreach (int window in windows)
            Check.That(window >= 0, "multi_scale_window_attention", $"windows must not be negative, but one is {window}");
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values q = call["q"], k = call["k"], v = call["v"];
        HeadSizes sizes = HeadSizes.Of("multi_scale_window_attention", q, k, v);
        int[] windows = [.. (call.Numbers("windows") ?? throw call.Error($"windows are missing: one a head")).Select(window =>
            (int)window)];
        CheckWindows(sizes, windows);
        if (ScoredEvaluation.NeedsDouble(sizes, q, k, v))
            return ScoredEvaluation.RunInDouble(call, sizes, new Score(windows, sizes.Keys - sizes.Queries));
        Values y = new(sizes.Batch, sizes.Heads, sizes.Queries, sizes.ValueWidth);
        float[] logs = new float[sizes.Rows];
        Forward(sizes, windows, q, k, v, y, logs);
        if (call.Backward(y, out float[]? dy))
            Backward(sizes, windows, q, k, v, y, logs, dy, call.Gradient("q"), call.Gradient("k"), call.Gradient("v"));
        return y;
    }
}
