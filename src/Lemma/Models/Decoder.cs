using Lemma.Formulas;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Models;

/// <summary>A decoder: embedding, blocks of attention and feed-forward with residual connections, a norm and a head over the vocabulary.</summary>
/// <remarks>One forward for training, evaluation and decoding; its choices are the records of <see cref="DecoderConfig"/>.</remarks>
public sealed class Decoder : Model, IContinuingModel
{
    private readonly Stack stack;
    private readonly Head head;

    /// <summary>A decoder with weights of zero: <see cref="Model.Initialize"/> it or fill its parameters from a file.</summary>
    public Decoder(DecoderConfig config) : this(config.Validate(), new Parameters()) => Parameters.Allocate();

    private Decoder(DecoderConfig config, Parameters parameters) : base(parameters)
    {
        Config = config;
        Scope scope = new(parameters, config.Width, config.Layers, config.MaximumLength);
        Parameter tokens = scope.In("embedding").Matrix("weight", config.VocabularySize, config.Width, scope.Embedding);
        stack = new Stack(config.Stack, scope, tokens, lastGain: new FirstValue(0.1, 0, RateScale: 60));
        head = new Head(config.Head, scope, tokens);
    }

    /// <summary>The choices.</summary>
    public DecoderConfig Config { get; }

    /// <inheritdoc/>
    public int VocabularySize => Config.VocabularySize;

    /// <inheritdoc/>
    public int MaximumLength => Config.MaximumLength;

    /// <inheritdoc/>
    public IReadOnlyList<int> EndIds => Config.EndIds;

    internal override ModelConfig AnyConfig => Config;

    internal static Decoder Declared(DecoderConfig config) => new(config.Validate(), new Parameters());

    internal override IEnumerable<LayerState> NewLayers() => stack.NewLayers();

    /// <summary>A state for one sequence of no tokens yet.</summary>
    public SequenceState NewState() => new(this, [.. NewLayers()]);

    /// <summary>The mean negative log-likelihood of the targets, nats a token; −100 leaves a position out.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="rows">What is read.</param>
    /// <param name="targets">An id a row; kept as they are until the tape is rewound.</param>
    /// <param name="dropout">The generator of this pass's dropout masks; null to drop nothing.</param>
    public Tensor Loss(Tape tape, in Rows rows, ReadOnlyMemory<int> targets, Philox? dropout = null) =>
        head.Loss(tape, Hidden(tape, rows, dropout), targets);

    /// <summary>The logits of every position, [rows, V].</summary>
    public Tensor Logits(Tape tape, in Rows rows) => head.Logits(tape, Hidden(tape, rows));

    /// <summary>The logits that follow the last token of each sequence, [sequences, V].</summary>
    public Tensor NextLogits(Tape tape, in Rows rows) => head.LastLogits(tape, Hidden(tape, rows), rows.Lengths);

    /// <summary>The normalized activations before the head, [rows, d]. Rows with states are added to them.</summary>
    public Tensor Hidden(Tape tape, in Rows rows, Philox? dropout = null)
    {
        CheckIds(rows.Ids.Span, "decoder");
        rows.RequireStatesOf(this);
        return stack.Apply(tape, rows, dropout, Config.Dropout);
    }
}
