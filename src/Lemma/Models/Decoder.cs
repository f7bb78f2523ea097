using Lemma.Formulas;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Models;

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

    /// <summary>A state for one sequence of no tokens yet.</summary>
    public SequenceState NewState()
    {
        KeyValuePageShape shape = new(Config.Attention.KeyValueHeads, Config.Attention.HeadWidth, Config.Attention.HeadWidth);
        return new SequenceState(this, [.. blocks.Select(_ => new KeyValuePages(shape, Config.Attention.Window ?? 0))]);
    }

    /// <summary>Draws the weights: normal with deviation 1/√d, smaller where a branch joins the residual stream; gains 1, biases 0;
    /// the last gain so small that the first loss is ln V.</summary>
    /// <remarks>The branches are divided by √(2·layers): Radford et al. 2019, section 2.3.</remarks>
    public void Initialize(ulong seed) => Initialization.Draw(Parameters, Config.Layers, Config.Width, seed);

    /// <summary>The mean negative log-likelihood of the targets, nats a token; −100 leaves a position out.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="rows">What is read.</param>
    /// <param name="targets">An id a row; kept as they are until the tape is rewound.</param>
    /// <param name="dropout">The generator of this pass's dropout masks; null to drop nothing.</param>
    public Tensor Loss(Tape tape, in Rows rows, ReadOnlyMemory<int> targets, Philox? dropout = null) =>
        tape.LinearCrossEntropy(Hidden(tape, rows, dropout), tape.Parameter(head), targets);

    /// <summary>The logits of every position, [rows, V].</summary>
    public Tensor Logits(Tape tape, in Rows rows) => tape.Linear(Hidden(tape, rows), tape.Parameter(head));

    /// <summary>The logits that follow the last token of each sequence, [sequences, V].</summary>
    public Tensor NextLogits(Tape tape, in Rows rows)
    {
        Tensor hidden = Hidden(tape, rows);
        Memory<int> last = tape.TakeIntegers(rows.Lengths.Length);
        int end = 0;
        for (int i = 0; i < last.Length; i++)
            last.Span[i] = (end += rows.Lengths.Span[i]) - 1;
        return tape.Linear(tape.Embedding(last, hidden), tape.Parameter(head));
    }

    /// <summary>The normalized activations before the head, [rows, d]. Rows with states are added to them.</summary>
    public Tensor Hidden(Tape tape, in Rows rows, Philox? dropout = null)
    {
        Check(rows);
        ReadOnlyMemory<int> positions = PositionsOf(tape, rows);
        Tensor x = learnedPositions is null
            ? tape.Embedding(rows.Ids, tape.Parameter(embedding))
            : tape.Embedding(rows.Ids, tape.Parameter(embedding), positions, tape.Parameter(learnedPositions));
        x = Drop(tape, x, dropout, 0);
        for (int i = 0; i < blocks.Length; i++)
        {
            Block block = blocks[i];
            Tensor heard = block.AttentionInput.Apply(tape, block.AttentionNorm.Apply(tape, x));
            if (rope is not null)
                tape.RopeInPlace(heard, heads.Heads + heads.KeyValueHeads, positions, rope);
            x = tape.Add(x, Drop(tape, block.AttentionOutput.Apply(tape, tape.Attention(heard, rows, heads, i)), dropout, 2 * i + 1));
            x = tape.Add(x, Drop(tape, block.FeedForward.Apply(tape, block.FeedForwardNorm.Apply(tape, x)), dropout, 2 * i + 2));
        }
        for (int i = 0; i < rows.States.Length; i++)
            rows.States.Span[i].Advance(rows.Lengths.Span[i]);
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

    private Tensor Drop(Tape tape, Tensor x, Philox? dropout, int place) =>
        dropout is { } generator && Config.Dropout > 0 ? tape.Dropout(x, Config.Dropout, generator.Split((ulong)place)) : x;

    private void Check(in Rows rows)
    {
        foreach (int id in rows.Ids.Span)
            Require.That((uint)id < (uint)Config.VocabularySize, $"decoder: id {id} is not in the vocabulary of {Config.VocabularySize}");
        ReadOnlySpan<SequenceState> states = rows.States.Span;
        for (int i = 0; i < rows.Lengths.Length; i++)
        {
            int start = states.IsEmpty ? 0 : states[i].Length, length = rows.Lengths.Span[i];
            Require.That((long)start + length <= Config.MaximumLength,
                $"decoder: {(long)start + length} tokens are more than the longest sequence, {Config.MaximumLength}");
            if (states.IsEmpty)
                continue;
            states[i].RequireOwner(this);
            Require.That(!states[..i].Contains(states[i]), $"decoder: sequences {states.IndexOf(states[i])} and {i} have one state");
        }
    }

    // Positions belong to the pass: any number of threads may run passes over one model.
    private static ReadOnlyMemory<int> PositionsOf(Tape tape, in Rows rows)
    {
        Memory<int> positions = tape.TakeIntegers(rows.Ids.Length);
        Span<int> all = positions.Span;
        for (int i = 0, row = 0; i < rows.Lengths.Length; i++)
        {
            int start = rows.States.IsEmpty ? 0 : rows.States.Span[i].Length;
            for (int place = 0; place < rows.Lengths.Span[i]; place++)
                all[row++] = start + place;
        }
        return positions;
    }
}
