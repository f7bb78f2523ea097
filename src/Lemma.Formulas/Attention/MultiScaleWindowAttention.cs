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
        public float Add(int sequence, int head, int i, int j)
        {
            int back = i + Offset - j;
            return back >= 0 && (Windows[head] == 0 || back < Windows[head]) ? 0 : float.NegativeInfinity;
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        HeadSizes sizes = HeadSizes.Of("multi_scale_window_attention", call["q"], call["k"], call["v"]);
        int[] windows = [.. (call.Numbers("windows") ?? throw call.Error($"windows are missing: one a head")).Select(window => (int)window)];
        Check.SameLength("multi_scale_window_attention", sizes.Heads, windows.Length);
        foreach (int window in windows)
            Check.That(window >= 0, "multi_scale_window_attention", $"windows must not be negative, but one is {window}");
        return ScoredEvaluation.Run(call, sizes, new Score(windows, sizes.Keys - sizes.Queries));
    }
}
