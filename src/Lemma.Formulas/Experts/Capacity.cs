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

    /// <summary>
    /// Clears the gates of tokens beyond the capacity, in the order of tokens; returns how many assignments were dropped.
    /// </summary>
    public static int Apply(Span<float> gates, int experts, int capacity)
    {
        Check.Rows("expert_capacity", gates.Length, experts);
        int[] taken = new int[experts];
        int dropped = 0;
        for (int i = 0; i < gates.Length; i++)
        {
            if (gates[i] == 0 || ++taken[i % experts] <= capacity)
                continue;
            gates[i] = 0;
            dropped++;
        }
        return dropped;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values gates = call.Input("gates", -1, -1), y = new(gates.Shape, [.. gates.Data]);
        double factor = call.Number("factor", 1.25);
        Check.That(factor > 0, "expert_capacity", $"the factor must be above 0, but it is {factor}");
        Apply(y, gates.Columns, Of(factor, call.Whole("top_k"), gates.Rows, gates.Columns));
        if (call.Backward(y, out float[]? dy))
        {
            Span<float> dgates = call.Gradient("gates");
            for (int i = 0; i < dgates.Length; i++)
                dgates[i] += y.Data[i] == 0 ? 0 : dy[i];
        }
        return y;
    }
}
