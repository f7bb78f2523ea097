using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Models;

/// <summary>How many rows chose each expert of each block, over the passes since it was cleared.</summary>
public sealed class ExpertLoads
{
    private readonly long[][] loads;
    private readonly int[] layers;

    /// <summary>Loads of zero for the experts of a decoder.</summary>
    public ExpertLoads(DecoderConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        loads = [.. config.Stack.Blocks.Select(block => new long[ExpertsOf(block)])];
        layers = [.. Enumerable.Range(0, loads.Length).Where(layer => loads[layer].Length > 0)];
    }

    /// <summary>The rows of each expert of a block; none of a block without experts.</summary>
    public ReadOnlySpan<long> this[int block] => loads[block];

    /// <summary>The rows of the most chosen expert of any block over the mean of its block: 1 when all are even; 0 before the first pass.</summary>
    public double LargestOverMean
    {
        get
        {
            double largest = 0;
            foreach (int layer in layers)
            {
                long sum = 0, most = 0;
                foreach (long load in loads[layer])
                    (sum, most) = (sum + load, Math.Max(most, load));
                largest = Math.Max(largest, sum == 0 ? 0 : (double)most * loads[layer].Length / sum);
            }
            return largest;
        }
    }

    /// <summary>Begins to count anew.</summary>
    public void Clear()
    {
        foreach (int layer in layers)
            Array.Clear(loads[layer]);
    }

    internal void RequireOf(DecoderConfig config)
    {
        bool fits = config.Layers == loads.Length;
        for (int i = 0; fits && i < loads.Length; i++)
            fits = ExpertsOf(config.Stack.Blocks[i]) == loads[i].Length;
        Require.That(fits, $"expert_loads: these are of {loads.Length} blocks with {layers.Length} layers of experts, not those of this decoder");
    }

    internal void Add(IReadOnlyList<ExpertOutput> outputs)
    {
        for (int i = 0; i < layers.Length; i++)
        {
            for (int e = 0; e < loads[layers[i]].Length; e++)
                loads[layers[i]][e] += outputs[i].Loads.Span[e];
        }
    }

    private static int ExpertsOf(BlockConfig block) => block.FeedForward is ExpertsFeedForward experts ? experts.Routing.Experts : 0;
}
