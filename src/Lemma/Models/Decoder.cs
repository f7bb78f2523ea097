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
        Parameter tokens = scope.In("embedding").Matrix("weight", config.VocabularySize, config.Width,
            config.Stack.Embedding.Norm is { HasGain: false } ? FirstValue.Normal(1) : scope.Embedding);
        stack = new Stack(config.Stack, scope, tokens, lastGain: Scope.LastGain);
        // Where no gain makes the first logits small, the head does.
        head = new Head(config.Head, scope, tokens, config.Stack.Norm is { HasGain: false } ? FirstValue.Normal(0.1 / Math.Sqrt(config.Width)) : null);
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

    internal override IEnumerable<LayerState> NewLayers(CacheFormat format) => stack.NewLayers(format);

    /// <summary>A state for one sequence of no tokens yet, in the model's <see cref="Model.CacheFormat"/>.</summary>
    public SequenceState NewState() => new(this, [.. NewLayers(CacheFormat)]);

    /// <summary>The sum of −ln p of the targets, in nats, and how many count; −100 leaves a position out.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="rows">What is read.</param>
    /// <param name="targets">An id a row; kept as they are until the tape is rewound.</param>
    /// <param name="dropout">The generator of this pass's dropout masks; null to drop nothing.</param>
    /// <param name="terms">What stands beside −ln p: label smoothing, z-loss; nothing by default.</param>
    /// <remarks>The balance loss of experts stands beside it (<see cref="Balanced"/>).</remarks>
    public LossPart Loss(Tape tape, in Rows rows, ReadOnlyMemory<int> targets, Philox? dropout = null, TokenLossTerms terms = default) =>
        LossPart.OfRows(tape, Losses(tape, rows, targets, dropout, terms), targets);

    /// <summary>−ln p of each row's target in nats, 0 for a position that is left out, [rows].</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="rows">What is read.</param>
    /// <param name="targets">An id a row; kept as they are until the tape is rewound.</param>
    /// <param name="dropout">The generator of this pass's dropout masks; null to drop nothing.</param>
    /// <param name="terms">What stands beside −ln p: label smoothing, z-loss; nothing by default.</param>
    public Tensor Losses(Tape tape, in Rows rows, ReadOnlyMemory<int> targets, Philox? dropout = null, TokenLossTerms terms = default) =>
        head.Losses(tape, Hidden(tape, rows, dropout), targets, dropout, terms);

    /// <summary>
    /// A loss with the balance loss of the experts that its recorded passes ran through, times its weight (<see cref="ExpertsFeedForward.BalanceWeight"/>);
    /// the same where there is none.
    /// </summary>
    public LossPart Balanced(Tape tape, LossPart loss)
    {
        ArgumentNullException.ThrowIfNull(tape);
        if (tape.Experts.IsEmpty || Config.Experts.FirstOrDefault(experts => experts.BalanceWeight > 0) is not { } balanced)
            return loss;
        // The operation's shares are of choices, of which a row makes several.
        Tensor share = tape.Scale(tape.BalanceLoss(tape.Experts), balanced.BalanceWeight * balanced.Routing.Chosen);
        return loss with { Sum = tape.AddScaled(loss.Sum, share, (float)loss.Weight) };
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
        CopyTo(copy, Parameters.All.Where(parameter => parameter != scores?.Weight));
        return copy;
    }

    /// <summary>The same weights with more blocks behind the last, whose choices they have: what joins the residual stream in them is 0, so at first they
    /// change nothing.</summary>
    /// <remarks>Wu et al. 2024 (LLaMA Pro), section 3.1, where the new blocks stand between the old ones.</remarks>
    /// <param name="count">How many; at least 1.</param>
    /// <param name="seed">The seed of the weights inside them.</param>
    public Decoder WithMoreBlocks(int count, ulong seed)
    {
        BlockConfig last = Config.Stack.Blocks[^1];
        Require.That(count >= 1, $"decoder: at least one block is added, but {count} are asked for");
        Require.That(last is { AfterSum: null, OutputScale: false },
            $"decoder: a block that is added changes nothing at first, but it would be like block {Config.Layers - 1}, which has a norm or a factor behind its sum");
        Require.That(Config.Stack.Embedding.PerBlock is null, $"decoder: no block is added to {Config.Layers} whose own embeddings lie in one table");
        Decoder copy = new(Config with { Stack = Config.Stack with { Blocks = [.. Config.Stack.Blocks, .. Enumerable.Repeat(last, count)] } }) { Origin = Origin };
        copy.Initialize(seed);
        HashSet<string> own = [.. Parameters.All.Select(parameter => parameter.Name)];
        foreach (Parameter parameter in copy.Parameters.All.Where(parameter => parameter.First.Joins && !own.Contains(parameter.Name)))
            copy.Parameters.Weights(parameter).Clear();
        CopyTo(copy, Parameters.All);
        return copy;
    }

    private void CopyTo(Decoder copy, IEnumerable<Parameter> some)
    {
        foreach (Parameter parameter in some)
        {
            Parameters.Weights(parameter).CopyTo(copy.Parameters.Weights(copy.Parameters[parameter.Name]));
            copy.Parameters[parameter.Name].RateScale = parameter.RateScale;
        }
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

    /// <inheritdoc/>
    public Tensor LastLogits(Tape tape, in Rows rows, int count) => head.LastLogits(tape, Hidden(tape, rows), count);

    /// <summary>The normalized activations before the head, [rows, d]. Rows with states are added to them.</summary>
    public Tensor Hidden(Tape tape, in Rows rows, Philox? dropout = null) => Hidden(tape, rows, dropout, null);

    internal override Tensor Read(Tape tape, in Rows rows, IPassObserver? observer = null) => Hidden(tape, rows, null, observer);

    private Tensor Hidden(Tape tape, in Rows rows, Philox? dropout, IPassObserver? observer)
    {
        CheckIds(rows.Ids.Span, "decoder");
        rows.RequireStatesOf(this);
        return stack.Apply(tape, rows, dropout, Config.Dropout, observer: observer);
    }
}
