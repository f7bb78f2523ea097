using Lemma.Formulas;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Models;

/// <summary>An encoder that reads a source, and a decoder that attends to its rows.</summary>
public sealed class EncoderDecoder : Model, IContinuingModel
{
    private readonly Stack encoder, decoder;
    private readonly Head head;

    /// <summary>A model with weights of zero: <see cref="Model.Initialize"/> it or fill its parameters from a file.</summary>
    public EncoderDecoder(EncoderDecoderConfig config) : this(config.Validate(), new Parameters()) => Parameters.Allocate();

    private EncoderDecoder(EncoderDecoderConfig config, Parameters parameters) : base(parameters)
    {
        Config = config;
        int width = config.Encoder.Embedding.Width;
        Scope scope = new(parameters, width, config.Decoder.Blocks.Count, config.MaximumLength);
        Parameter tokens = scope.In("embedding").Matrix("weight", config.VocabularySize, width, scope.Embedding);
        encoder = new Stack(config.Encoder, scope.In("encoder").WithShape(width, config.Encoder.Blocks.Count), tokens);
        decoder = new Stack(config.Decoder, scope.In("decoder"), tokens, width);
        // The families' files have a module of each stack for this matrix, and PEFT changes one of them or none.
        tokens.TakesLookupAdapter = false;
        head = new Head(config.Head, scope, tokens);
    }

    /// <summary>The choices.</summary>
    public EncoderDecoderConfig Config { get; }

    /// <inheritdoc/>
    public int VocabularySize => Config.VocabularySize;

    /// <inheritdoc/>
    public int MaximumLength => Config.MaximumLength;

    /// <inheritdoc/>
    public IReadOnlyList<int> EndIds => Config.EndIds;

    internal override ModelConfig AnyConfig => Config;

    // Its head predicts from rows of the decoder.
    internal override Head? Predictor => null;

    internal override Stack Reader => encoder;

    private protected override IEnumerable<Stack> Stacks => [encoder, decoder];

    internal static EncoderDecoder Declared(EncoderDecoderConfig config) => new(config.Validate(), new Parameters());

    internal override IEnumerable<LayerState> NewLayers(CacheFormat format) => decoder.NewLayers(format);

    /// <summary>The encoder's rows of sources, [rows, d].</summary>
    public Tensor Encode(Tape tape, in Rows source, Philox? dropout = null) => Encode(tape, source, dropout, null);

    internal override Tensor Read(Tape tape, in Rows rows, IPassObserver? observer = null) => Encode(tape, rows, null, observer);

    private Tensor Encode(Tape tape, in Rows source, Philox? dropout, IPassObserver? observer)
    {
        CheckIds(source.Ids.Span, "encoder_decoder");
        Require.That(source.States.IsEmpty, $"encoder_decoder: sources are read whole, so their rows must have no states");
        return encoder.Apply(tape, source, dropout?.Split(0), Config.Dropout, observer: observer);
    }

    /// <summary>A state for a target of no tokens yet, for each source, in the model's <see cref="Model.CacheFormat"/>.</summary>
    public SequenceState[] NewStates(Tape tape, in Rows source)
    {
        Tensor encoded = Encode(tape, source);
        SequenceState[] states = new SequenceState[source.Lengths.Length];
        for (int i = 0, first = 0; i < states.Length; first += source.Lengths.Span[i++])
            states[i] = new SequenceState(this, [.. NewLayers(CacheFormat), .. decoder.NewCrossLayers(tape, encoded, first, source.Lengths.Span[i], CacheFormat)]);
        return states;
    }

    /// <summary>The logits of every position of the targets, [rows, V].</summary>
    public Tensor Logits(Tape tape, in Rows source, in Rows target) => head.Logits(tape, Hidden(tape, source, target));

    /// <summary>The logits that follow the last token of each target, [sequences, V]; rows have states of <see cref="NewStates"/>.</summary>
    public Tensor NextLogits(Tape tape, in Rows rows) => head.LastLogits(tape, Continued(tape, rows), rows.Lengths);

    /// <inheritdoc/>
    public Tensor LastLogits(Tape tape, in Rows rows, int count) => head.LastLogits(tape, Continued(tape, rows), count);

    private Tensor Continued(Tape tape, in Rows rows)
    {
        Require.That(!rows.States.IsEmpty, $"encoder_decoder: targets that go on need the states of their sources");
        CheckIds(rows.Ids.Span, "encoder_decoder");
        rows.RequireStatesOf(this);
        return decoder.Apply(tape, rows, null, 0);
    }

    /// <summary>The sum of −ln p of the ids that follow the targets', in nats, and how many count; −100 leaves a position out.</summary>
    public LossPart Loss(Tape tape, in Rows source, in Rows target, ReadOnlyMemory<int> following, Philox? dropout = null) =>
        head.Loss(tape, Hidden(tape, source, target, dropout), following, dropout);

    private Tensor Hidden(Tape tape, in Rows source, in Rows target, Philox? dropout = null)
    {
        Require.That(source.Lengths.Length == target.Lengths.Length,
            $"encoder_decoder: {source.Lengths.Length} sources do not fit {target.Lengths.Length} targets");
        Require.That(target.States.IsEmpty, $"encoder_decoder: targets with states do not read their sources again");
        CheckIds(target.Ids.Span, "encoder_decoder");
        return decoder.Apply(tape, target, dropout?.Split(1), Config.Dropout, encoded: (Encode(tape, source, dropout), source.Lengths));
    }
}
