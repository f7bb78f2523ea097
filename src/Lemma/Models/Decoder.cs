using System.Runtime.InteropServices;
using Lemma.Formulas;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Models;

/// <summary>A decoder: embedding, blocks of attention and feed-forward with residual connections, a norm and a head over the vocabulary.</summary>
/// <remarks>One forward for training, evaluation and decoding; its choices are the records of <see cref="DecoderConfig"/>.</remarks>
public sealed class Decoder : Model, IContinuingModel
{
    private readonly Stack stack;
    private readonly Head head;
    private readonly Linear? scores;

    /// <summary>A decoder with weights of zero: <see cref="Model.Initialize"/> it or fill its parameters from a file.</summary>
    public Decoder(DecoderConfig config) : this(config.Validate(), new Parameters()) => Parameters.Allocate();

    private Decoder(DecoderConfig config, Parameters parameters) : base(parameters)
    {
        Config = config;
        Scope scope = new(parameters, config.Width, config.Layers, config.MaximumLength);
        Parameter tokens = scope.In("embedding").Matrix("weight", config.VocabularySize, config.Width, scope.Embedding);
        stack = new Stack(config.Stack, scope, tokens, lastGain: Scope.LastGain);
        head = new Head(config.Head, scope, tokens);
        scores = config.Scores > 0 ? new Linear(scope.In("score"), config.Scores, config.Width, bias: false, FirstValue.Zero) : null;
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

    internal override Head? Predictor => head;

    internal override Stack Reader => stack;

    internal static Decoder Declared(DecoderConfig config) => new(config.Validate(), new Parameters());

    internal override IEnumerable<LayerState> NewLayers() => stack.NewLayers();

    /// <summary>A state for one sequence of no tokens yet.</summary>
    public SequenceState NewState() => new(this, [.. NewLayers()]);

    /// <summary>The sum of −ln p of the targets, in nats, and how many count; −100 leaves a position out.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="rows">What is read.</param>
    /// <param name="targets">An id a row; kept as they are until the tape is rewound.</param>
    /// <param name="dropout">The generator of this pass's dropout masks; null to drop nothing.</param>
    /// <param name="loads">Counts the rows that each expert gets; null to count none.</param>
    /// <param name="terms">What stands beside −ln p: label smoothing, z-loss; nothing by default.</param>
    /// <remarks>While the tape records, the balance loss of the experts is added (<see cref="ExpertsFeedForward.BalanceWeight"/>).</remarks>
    public LossPart Loss(Tape tape, in Rows rows, ReadOnlyMemory<int> targets, Philox? dropout = null, ExpertLoads? loads = null, TokenLossTerms terms = default)
    {
        Tensor losses = Losses(tape, rows, targets, out Tensor? balance, dropout, loads, terms);
        LossPart loss = LossPart.OfRows(tape, losses, targets);
        return balance is { } share ? loss with { Sum = tape.AddScaled(loss.Sum, share, (float)loss.Weight) } : loss;
    }

    /// <summary>−ln p of each row's target in nats, 0 for a position that is left out, [rows].</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="rows">What is read.</param>
    /// <param name="targets">An id a row; kept as they are until the tape is rewound.</param>
    /// <param name="balance">The weighted balance loss of the experts, a mean; null where there is none or the tape does not record.</param>
    /// <param name="dropout">The generator of this pass's dropout masks; null to drop nothing.</param>
    /// <param name="loads">Counts the rows that each expert gets; null to count none.</param>
    /// <param name="terms">What stands beside −ln p: label smoothing, z-loss; nothing by default.</param>
    public Tensor Losses(Tape tape, in Rows rows, ReadOnlyMemory<int> targets, out Tensor? balance, Philox? dropout = null, ExpertLoads? loads = null,
        TokenLossTerms terms = default)
    {
        loads?.RequireOf(Config);
        ExpertsFeedForward? balanced = tape.Recording ? Config.Experts.FirstOrDefault(experts => experts.BalanceWeight > 0) : null;
        List<ExpertOutput>? outputs = balanced is null && loads is null ? null : [];
        Tensor losses = head.Losses(tape, Hidden(tape, rows, dropout, outputs), targets, dropout, terms);
        loads?.Add(outputs!);
        // The operation's shares are of choices, of which a row makes several.
        balance = balanced is null ? null
            : tape.Scale(tape.BalanceLoss(CollectionsMarshal.AsSpan(outputs)), balanced.BalanceWeight * balanced.Routing.Chosen);
        return losses;
    }

    /// <summary>b += γ·sign(mean − load) of every expert with a bias for the choice: those with few rows are chosen more often from now on.</summary>
    /// <param name="loads">What the passes since the last step counted.</param>
    /// <param name="rate">γ.</param>
    public void StepChoiceBiases(ExpertLoads loads, double rate)
    {
        ArgumentNullException.ThrowIfNull(loads);
        loads.RequireOf(Config);
        foreach ((Parameter? bias, int layer) in stack.ChoiceBiases.Select((bias, layer) => (bias, layer)))
        {
            if (bias is not null)
                BiasStep.Step([.. loads[layer].ToArray().Select(load => (float)load)], rate, Parameters.Weights(bias));
        }
    }

    /// <summary>The numbers of every row beside its logits, [rows, scores], from the activations of <see cref="Hidden(Tape, in Rows, Philox?)"/>.</summary>
    public Tensor Scores(Tape tape, Tensor hidden, Philox? dropout = null) =>
        (scores ?? throw new InvalidOperationException("decoder: this model has no scores; WithScores adds some")).Apply(tape, hidden, dropout);

    /// <summary>The numbers of the last row of each sequence, [sequences, scores]: a reward of each text.</summary>
    public Tensor LastScores(Tape tape, in Rows rows, Philox? dropout = null) =>
        Scores(tape, Head.LastRows(tape, Hidden(tape, rows, dropout), rows.Lengths), dropout);

    /// <summary>The same weights with a number of scores a row, 0 at first: for a reward model, or a policy with values.</summary>
    public Decoder WithScores(int count)
    {
        Decoder copy = new(Config with { Scores = count }) { Origin = Origin };
        foreach (Parameter parameter in Parameters.All.Where(parameter => parameter != scores?.Weight))
        {
            Parameters.Weights(parameter).CopyTo(copy.Parameters.Weights(copy.Parameters[parameter.Name]));
            copy.Parameters[parameter.Name].RateScale = parameter.RateScale;
        }
        return copy;
    }

    /// <summary>The logits of every position, [rows, V].</summary>
    public Tensor Logits(Tape tape, in Rows rows) => head.Logits(tape, Hidden(tape, rows));

    /// <summary>The logits of some rows of the activations of <see cref="Hidden(Tape, in Rows, Philox?)"/>, [places, V].</summary>
    public Tensor LogitsOf(Tape tape, Tensor hidden, ReadOnlyMemory<int> places)
    {
        ArgumentNullException.ThrowIfNull(tape);
        return head.Logits(tape, tape.Embedding(places, hidden));
    }

    /// <summary>The logits that follow the last token of each sequence, [sequences, V].</summary>
    public Tensor NextLogits(Tape tape, in Rows rows) => head.LastLogits(tape, Hidden(tape, rows), rows.Lengths);

    /// <summary>The normalized activations before the head, [rows, d]. Rows with states are added to them.</summary>
    public Tensor Hidden(Tape tape, in Rows rows, Philox? dropout = null) => Hidden(tape, rows, dropout, null);

    internal override Tensor Read(Tape tape, in Rows rows, IPassObserver? observer = null) => Hidden(tape, rows, null, null, observer);

    private Tensor Hidden(Tape tape, in Rows rows, Philox? dropout, List<ExpertOutput>? experts, IPassObserver? observer = null)
    {
        CheckIds(rows.Ids.Span, "decoder");
        rows.RequireStatesOf(this);
        return stack.Apply(tape, rows, dropout, Config.Dropout, experts: experts, observer: observer);
    }
}
