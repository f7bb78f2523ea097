using Lemma.Formulas;
using Lemma.Modules;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Models;

/// <summary>Rows to logits over the vocabulary.</summary>
internal sealed class Head
{
    private readonly HeadConfig config;
    private readonly Parameter weight;
    private readonly Parameter? bias;
    private readonly Linear? transform;
    private readonly Norm? norm;

    /// <summary>A head in the scope of its model; <paramref name="tokens"/> is the embedding, the head's matrix when it is tied.</summary>
    /// <param name="config">The choice.</param>
    /// <param name="scope">The scope.</param>
    /// <param name="tokens">The embedding.</param>
    /// <param name="own">The first values of a matrix of its own; null for those of any other.</param>
    public Head(HeadConfig config, Scope scope, Parameter tokens, FirstValue? own = null)
    {
        this.config = config;
        int width = scope.Width;
        if (config.Transform is { } before)
        {
            transform = new Linear(scope.In("head").In("transform"), width, width, before.Bias, scope.Inner);
            norm = new Norm(before.Norm, scope.In("head").In("norm"), width, Scope.LastGain);
        }
        weight = config.Tied ? tokens : scope.In("head").Matrix("weight", tokens.Shape[0], width, own ?? scope.Inner);
        weight.TakesAdapter = !config.Tied;
        weight.TakesPanels = true;
        weight.IsTied = config.Tied;
        bias = config.Bias ? scope.In("head").Vector("bias", tokens.Shape[0], FirstValue.Zero) : null;
    }

    /// <summary>V.</summary>
    public int VocabularySize => weight.Shape[0];

    /// <summary>[rows, d] to [rows, V].</summary>
    public Tensor Logits(Tape tape, Tensor hidden, Philox? random = null)
    {
        Tensor x = Prepare(tape, hidden, random), logits = tape.Linear(x, tape.Parameter(weight), bias is null ? null : tape.Parameter(bias));
        Adapted.AddToProduct(tape, logits, x, weight, bias, random);
        return config.Cap == 0 ? logits : tape.Cap(logits, config.Cap);
    }

    /// <summary>The logits of the last row of each sequence, [sequences, V].</summary>
    public Tensor LastLogits(Tape tape, Tensor hidden, ReadOnlyMemory<int> lengths) => Logits(tape, LastRows(tape, hidden, lengths));

    /// <summary>The logits of the last rows, [count, V].</summary>
    public Tensor LastLogits(Tape tape, Tensor hidden, int count)
    {
        Require.That(count > 0 && count <= hidden.Shape.Rows, $"head: the logits of {count} last rows are asked for, but there are {hidden.Shape.Rows}");
        Memory<int> last = tape.TakeIntegers(count);
        for (int i = 0; i < count; i++)
            last.Span[i] = hidden.Shape.Rows - count + i;
        return Logits(tape, tape.Embedding(last, hidden));
    }

    /// <summary>The last row of each sequence, [sequences, d].</summary>
    public static Tensor LastRows(Tape tape, Tensor hidden, ReadOnlyMemory<int> lengths)
    {
        Memory<int> last = tape.TakeIntegers(lengths.Length);
        int end = 0;
        for (int i = 0; i < last.Length; i++)
            last.Span[i] = (end += lengths.Span[i]) - 1;
        return tape.Embedding(last, hidden);
    }

    /// <summary>−ln p of each row's target in nats, 0 for a row that is left out, [rows].</summary>
    public Tensor Losses(Tape tape, Tensor hidden, ReadOnlyMemory<int> targets, Philox? random = null, TokenLossTerms terms = default) =>
        bias is null && tape.Parameters!.Adapter?.PartsOf(weight) is null or []
            ? tape.LinearCrossEntropy(Prepare(tape, hidden, random), tape.Parameter(weight), targets, terms, config.Cap)
            : tape.CrossEntropy(Logits(tape, hidden, random), targets, terms);

    /// <summary>Their sum, with the rows that count as its weight.</summary>
    public LossPart Loss(Tape tape, Tensor hidden, ReadOnlyMemory<int> targets, Philox? random = null) =>
        LossPart.OfRows(tape, Losses(tape, hidden, targets, random), targets);

    private Tensor Prepare(Tape tape, Tensor x, Philox? random)
    {
        if (transform is not null)
            x = norm!.Apply(tape, tape.Activate(transform.Apply(tape, x, random), config.Transform!.Activation));
        return config.Scale == 1 ? x : tape.Scale(x, config.Scale);
    }
}
