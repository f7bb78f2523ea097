using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Models;

/// <summary>What a decoder reads in one pass.</summary>
/// <param name="Ids">[batch·length] ids, sequence after sequence; kept as they are until the tape is rewound.</param>
/// <param name="Batch">Sequences, all of one length.</param>
/// <param name="Lengths">Tokens of each sequence that are not padding; empty when all are.</param>
/// <param name="Dropout">The generator of this step's dropout masks; null to drop nothing.</param>
public readonly record struct DecoderInput(ReadOnlyMemory<int> Ids, int Batch = 1, ReadOnlyMemory<int> Lengths = default, Philox? Dropout = null);

/// <summary>A decoder: embedding, blocks of attention and feed-forward with residual connections, a norm and a head over the vocabulary.</summary>
/// <remarks>
/// One forward for training, evaluation and decoding; its choices are the records of <see cref="DecoderConfig"/>. A pass changes nothing in
/// the model, so that many threads may share one, each with its own tape and workers.
/// </remarks>
public sealed class Decoder : IDisposable
{
    private readonly Block[] blocks;
    private readonly Norm norm;
    private readonly Parameter embedding, head;
    private readonly Parameter? learnedPositions;
    private readonly RopeTable? rope;
    private readonly AttentionHeads heads;

    /// <summary>A decoder with weights of zero: <see cref="Initialize"/> it or fill <see cref="Parameters"/> from a file.</summary>
    public Decoder(DecoderConfig config) : this(config, Allocated(config)) { }

    /// <summary>A decoder with weights that were declared by <see cref="DecoderParameters"/> and filled; it owns them from now on.</summary>
    public Decoder(DecoderConfig config, Parameters parameters)
    {
        Config = config.Validate();
        Parameters = parameters;
        AttentionConfig attention = config.Attention;
        heads = new AttentionHeads(attention.Heads, attention.KeyValueHeads, attention.HeadWidth, Causal: true, attention.Window ?? 0);
        if (config.Positions is RotaryPositions rotary)
            rope = new RopeTable(config.MaximumLength, attention.HeadWidth, rotary.Theta, rotary.Interleaved);
        else
            learnedPositions = Parameters["positions.weight"];
        embedding = Parameters["embedding.weight"];
        head = config.TiedHead ? embedding : Parameters["head.weight"];
        norm = new Norm(config.Norm, Parameters, "norm");
        blocks = [.. Enumerable.Range(0, config.Layers).Select(i => new Block(config, Parameters, i))];
    }

    /// <summary>The choices.</summary>
    public DecoderConfig Config { get; }

    /// <summary>The weights, and when training their gradients and moments.</summary>
    public Parameters Parameters { get; }

    /// <summary>A cache for a number of tokens.</summary>
    public KeyValueCache NewCache(int capacity) =>
        new(Config.Layers, Config.Attention.KeyValueHeads * Config.Attention.HeadWidth, Math.Min(capacity, Config.MaximumLength));

    /// <summary>Draws the weights: normal with deviation 1/√d, smaller where a branch joins the residual stream; gains 1, biases 0;
    /// the last gain so small that the first loss is ln V.</summary>
    /// <remarks>The branches are divided by √(2·layers): Radford et al. 2019, section 2.3.</remarks>
    public void Initialize(ulong seed) => Initialization.Draw(Parameters, Config.Layers, Config.Width, seed);

    /// <summary>The mean negative log-likelihood of the targets, nats a token; −100 leaves a position out.</summary>
    public Tensor Loss(Tape tape, in DecoderInput input, ReadOnlyMemory<int> targets) =>
        tape.LinearCrossEntropy(Hidden(tape, input), tape.Parameter(head), targets);

    /// <summary>The logits of every position, [batch·length, V].</summary>
    public Tensor Logits(Tape tape, in DecoderInput input) => tape.Linear(Hidden(tape, input), tape.Parameter(head));

    /// <summary>The logits that follow the last of the new tokens, [1, V]; their keys and values are added to the cache.</summary>
    public Tensor NextLogits(Tape tape, ReadOnlyMemory<int> newIds, KeyValueCache cache)
    {
        Tensor hidden = Hidden(tape, new DecoderInput(newIds), cache);
        cache.Advance(newIds.Length);
        return tape.Linear(tape.LastRow(hidden), tape.Parameter(head));
    }

    /// <summary>The normalized activations before the head, [batch·length, d].</summary>
    public Tensor Hidden(Tape tape, in DecoderInput input, KeyValueCache? cache = null)
    {
        int start = cache?.Length ?? 0, length = input.Ids.Length / Math.Max(1, input.Batch);
        Require.That(input.Ids.Length > 0 && length * input.Batch == input.Ids.Length, $"decoder: {input.Batch} sequences do not divide {input.Ids.Length} ids");
        Require.That(start + length <= Config.MaximumLength, $"decoder: {start + length} tokens are more than the longest sequence, {Config.MaximumLength}");
        foreach (int id in input.Ids.Span)
            Require.That((uint)id < (uint)Config.VocabularySize, $"decoder: id {id} is not in the vocabulary of {Config.VocabularySize}");
        if (cache is not null)
        {
            int width = Config.Attention.KeyValueHeads * Config.Attention.HeadWidth;
            Require.That(input.Batch == 1, $"decoder: a cache holds one sequence, but the input has {input.Batch}");
            Require.That(cache.Layers == Config.Layers && cache.Width == width,
                $"decoder: the cache of {cache.Layers} layers of width {cache.Width} belongs to another model; this one has {Config.Layers} of {width}");
        }
        ReadOnlyMemory<int> positions = PositionsOf(tape, input.Batch, length, start);
        Tensor x = learnedPositions is null
            ? tape.Embedding(input.Ids, tape.Parameter(embedding))
            : tape.Embedding(input.Ids, tape.Parameter(embedding), positions, tape.Parameter(learnedPositions));
        x = Drop(tape, x, input, 0);
        for (int i = 0; i < blocks.Length; i++)
        {
            Block block = blocks[i];
            Tensor rows = block.AttentionInput.Apply(tape, block.AttentionNorm.Apply(tape, x));
            if (rope is not null)
                tape.RopeInPlace(rows, heads.Heads + heads.KeyValueHeads, positions, rope);
            Tensor mixed = cache is null ? tape.Attention(rows, input.Batch, heads, input.Lengths) : tape.CachedAttention(rows, heads, cache, i);
            x = tape.Add(x, Drop(tape, block.AttentionOutput.Apply(tape, mixed), input, 2 * i + 1));
            x = tape.Add(x, Drop(tape, block.FeedForward.Apply(tape, block.FeedForwardNorm.Apply(tape, x)), input, 2 * i + 2));
        }
        return norm.Apply(tape, x);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => Parameters.Dispose();

    private static Parameters Allocated(DecoderConfig config)
    {
        Parameters parameters = DecoderParameters.Declare(config);
        parameters.Allocate();
        return parameters;
    }

    private Tensor Drop(Tape tape, Tensor x, in DecoderInput input, int place) =>
        input.Dropout is { } generator && Config.Dropout > 0 ? tape.Dropout(x, Config.Dropout, generator.Split((ulong)place)) : x;

    // Positions belong to the pass: any number of threads may run passes over one model.
    private static ReadOnlyMemory<int> PositionsOf(Tape tape, int batch, int length, int start)
    {
        Memory<int> positions = tape.TakeIntegers(batch * length);
        Span<int> all = positions.Span;
        for (int i = 0; i < all.Length; i++)
            all[i] = start + i % length;
        return positions;
    }
}
