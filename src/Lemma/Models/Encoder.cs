using Lemma.Formulas;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Models;

/// <summary>An encoder: every row sees its whole sequence. Rows, a vector a sequence, logits of masked tokens or of classes.</summary>
public sealed class Encoder : Model
{
    private readonly Stack stack;
    private readonly Head? head;
    private readonly Linear? pooler, classes;

    /// <summary>An encoder with weights of zero: <see cref="Model.Initialize"/> it or fill its parameters from a file.</summary>
    public Encoder(EncoderConfig config) : this(config.Validate(), new Parameters()) => Parameters.Allocate();

    private Encoder(EncoderConfig config, Parameters parameters) : base(parameters)
    {
        Config = config;
        int width = config.Stack.Embedding.Width;
        Scope scope = new(parameters, width, config.Stack.Blocks.Count, config.MaximumLength);
        Parameter tokens = scope.In("embedding").Matrix("weight", config.VocabularySize, width, scope.Embedding);
        stack = new Stack(config.Stack, scope, tokens);
        head = config.Head is { } choice ? new Head(choice, scope, tokens) : null;
        pooler = config.Pooler ? new Linear(scope.In("pooler"), width, width, bias: true, scope.Inner) : null;
        classes = config.Classes > 0 ? new Linear(scope.In("classes"), config.Classes, width, bias: true, scope.Inner) : null;
    }

    /// <summary>The choices.</summary>
    public EncoderConfig Config { get; }

    internal override ModelConfig AnyConfig => Config;

    internal override Head? Predictor => head;

    internal override Stack Reader => stack;

    internal static Encoder Declared(EncoderConfig config) => new(config.Validate(), new Parameters());

    /// <summary>The activations of every row, [rows, d].</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="rows">What is read; an encoder has no states.</param>
    /// <param name="tokenTypes">The kind of each token, where the model has kinds; none for kind 0.</param>
    /// <param name="dropout">The generator of this pass's dropout masks; null to drop nothing.</param>
    public Tensor Hidden(Tape tape, in Rows rows, ReadOnlyMemory<int> tokenTypes = default, Philox? dropout = null) =>
        Hidden(tape, rows, tokenTypes, dropout, null);

    internal override Tensor Read(Tape tape, in Rows rows, IPassObserver? observer = null) => Hidden(tape, rows, default, null, observer);

    private Tensor Hidden(Tape tape, in Rows rows, ReadOnlyMemory<int> tokenTypes, Philox? dropout, IPassObserver? observer)
    {
        CheckIds(rows.Ids.Span, "encoder");
        Require.That(rows.States.IsEmpty, $"encoder: it reads whole sequences, so rows must have no states");
        return stack.Apply(tape, rows, dropout, Config.Dropout, tokenTypes, observer: observer);
    }

    /// <summary>The logits of every row over the vocabulary, [rows, V].</summary>
    public Tensor MaskedLogits(Tape tape, Tensor hidden) =>
        (head ?? throw new InvalidOperationException("encoder: this model has no head for masked tokens")).Logits(tape, hidden);

    /// <summary>tanh(x₀·W + b) of each sequence's first row, [sequences, d].</summary>
    public Tensor Pooled(Tape tape, Tensor hidden, ReadOnlyMemory<int> lengths) =>
        tape.Tanh((pooler ?? throw new InvalidOperationException("encoder: this model has no pooler")).Apply(tape, FirstRows(tape, hidden, lengths)));

    /// <summary>The logits of each sequence over the classes, [sequences, classes].</summary>
    public Tensor ClassLogits(Tape tape, Tensor hidden, ReadOnlyMemory<int> lengths) =>
        (classes ?? throw new InvalidOperationException("encoder: this model has no classes")).Apply(tape, Pooled(tape, hidden, lengths));

    /// <summary>Each sequence's first row, [sequences, d].</summary>
    public static Tensor FirstRows(Tape tape, Tensor hidden, ReadOnlyMemory<int> lengths)
    {
        Memory<int> first = tape.TakeIntegers(lengths.Length);
        int start = 0;
        for (int i = 0; i < first.Length; start += lengths.Span[i++])
            first.Span[i] = start;
        return tape.Embedding(first, hidden);
    }

    /// <summary>The loss of masked tokens: the sum of −ln p of the targets and how many count.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="hidden">The rows of <see cref="Hidden(Tape, in Rows, ReadOnlyMemory{int}, Philox?)"/>.</param>
    /// <param name="targets">An id a row; −100 leaves a row out.</param>
    /// <param name="dropout">The generator of this pass's dropout masks; null to drop nothing.</param>
    public LossPart MaskedLoss(Tape tape, Tensor hidden, ReadOnlyMemory<int> targets, Philox? dropout = null) =>
        (head ?? throw new InvalidOperationException("encoder: this model has no head for masked tokens")).Loss(tape, hidden, targets, dropout);

    /// <summary>The loss of the classes: the sum of −ln p of the targets and how many count.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="hidden">The rows of <see cref="Hidden(Tape, in Rows, ReadOnlyMemory{int}, Philox?)"/>.</param>
    /// <param name="lengths">The rows of each sequence.</param>
    /// <param name="targets">A class a sequence; −100 leaves a sequence out.</param>
    public LossPart ClassLoss(Tape tape, Tensor hidden, ReadOnlyMemory<int> lengths, ReadOnlyMemory<int> targets) =>
        LossPart.OfRows(tape, tape.CrossEntropy(ClassLogits(tape, hidden, lengths), targets), targets);
}
