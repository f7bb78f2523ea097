namespace Lemma.Formulas;

/// <summary>C = ⌈f·k·n/E⌉: an expert takes its first C tokens, the others are dropped (their gates become 0).</summary>
/// <remarks>
/// gates: [tokens, experts], 0 where not routed; f: capacity factor. Lepikhin et al. 2020, GShard, algorithm 1; Fedus et al. 2021, eq. 3.
/// </remarks>
public static class Capacity
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "expert_capacity",
        Group = "Experts",
        Text = "C = ⌈f·k·n/E⌉; gates beyond the first C tokens of an expert become 0",
        Latex = """
            C = \left\lceil\frac{f k n}{E}\right\rceil
            y_{te} = \begin{cases} g_{te} & \text{for the first } C \text{ tokens of expert } e \cr 0 & \text{for the others} \end{cases}
            """,
        Shapes = "gates: [tokens, experts]",
        Symbols = "factor (f), top_k (k), n tokens, E experts",
        Source = "Lepikhin et al. 2020, GShard, algorithm 1; Fedus, Zoph and Shazeer 2021, eq. 3",
        Gradient = "dgates += dy where kept",
        Kind = FormulaKind.Elementwise,
        Example = "gates[8,3] top_k=1 factor=1",
        Evaluate = Evaluate,
    };

    /// <summary>How many tokens an expert takes.</summary>
    public static int Of(double factor, int topK, int tokens, int experts) => (int)Math.Ceiling(factor * topK * tokens / experts);

    /// <summary>y = the gates without those of tokens beyond the capacity, in the order of tokens; gives how many were dropped.</summary>
    public static int Forward(ReadOnlySpan<float> gates, int experts, int capacity, Span<float> y)
    {
        Check.Rows("expert_capacity", gates.Length, experts);
        Check.SameLength("expert_capacity", gates.Length, y.Length);
        int[] taken = new int[experts];
        int dropped = 0;
        for (int at = 0; at < gates.Length; at += experts)
        {
            ReadOnlySpan<float> row = gates.Slice(at, experts);
            Span<float> kept = y.Slice(at, experts);
            for (int e = 0; e < row.Length; e++)
            {
                bool isFull = row[e] != 0 && ++taken[e] > capacity;
                kept[e] = isFull ? 0 : row[e];
                dropped += isFull ? 1 : 0;
            }
        }
        return dropped;
    }

    /// <summary>dgates += dy where y is not 0.</summary>
    public static void Backward(ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dgates)
    {
        Check.SameLength("expert_capacity", y.Length, dy.Length);
        Check.SameLength("expert_capacity", y.Length, dgates.Length);
        for (int i = 0; i < y.Length; i++)
            dgates[i] += y[i] == 0 ? 0 : dy[i];
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values gates = call.Input("gates", -1, -1), y = gates.Like();
        double factor = call.Number("factor", 1.25);
        Check.That(factor > 0, "expert_capacity", $"the factor must be above 0, but it is {factor}");
        Forward(gates, gates.Columns, Of(factor, call.Whole("top_k"), gates.Rows, gates.Columns), y);
        if (call.Backward(y, out float[]? dy))
            Backward(y, dy, call.Gradient("gates"));
        return y;
    }
}
