using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Models;

/// <summary>How many rows chose each expert of each block, and how sure the routers were, over the passes since it was cleared.</summary>
public sealed class ExpertLoads
{
    private readonly long[][] loads;
    private readonly int[] layers;
    private double entropy;
    private long routed;

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

    /// <summary>The mean entropy of a row's scores of the experts of a block, as shares of their sum, in nats; 0 before the first pass.</summary>
    public double RouterEntropy => routed == 0 ? 0 : entropy / routed;

    /// <summary>Begins to count anew.</summary>
    public void Clear()
    {
        (entropy, routed) = (0, 0);
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

    /// <summary>Counts the passes that a tape recorded since it was rewound.</summary>
    public void Add(Tape tape)
    {
        ArgumentNullException.ThrowIfNull(tape);
        ReadOnlySpan<ExpertOutput> outputs = tape.Experts;
        Require.That(outputs.Length == 0 || (layers.Length > 0 && outputs.Length % layers.Length == 0),
            $"expert_loads: {outputs.Length} layers of experts ran, which are no passes of a decoder with {layers.Length}");
        for (int i = 0; i < outputs.Length; i++)
        {
            long[] own = loads[layers[i % layers.Length]];
            Require.That(outputs[i].Loads.Length == own.Length,
                $"expert_loads: a layer of {outputs[i].Loads.Length} experts ran in the place of one of {own.Length}");
            for (int e = 0; e < own.Length; e++)
                own[e] += outputs[i].Loads.Span[e];
            AddEntropies(tape[outputs[i].Probabilities], own.Length);
        }
    }

    // −Σ p·ln p = ln s − Σ x·ln x/s, p = x/s.
    private void AddEntropies(ReadOnlySpan<float> scores, int experts)
    {
        for (int row = 0; row < scores.Length; row += experts)
        {
            (double sum, double logs) = (0, 0);
            foreach (float score in scores.Slice(row, experts))
                (sum, logs) = (sum + score, score > 0 ? logs + score * Math.Log(score) : logs);
            entropy += Math.Log(sum) - logs / sum;
        }
        routed += scores.Length / experts;
    }

    private static int ExpertsOf(BlockConfig block) => block.FeedForward is ExpertsFeedForward experts ? experts.Routing.Experts : 0;
}
