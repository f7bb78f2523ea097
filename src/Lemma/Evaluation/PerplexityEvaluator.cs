using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Evaluation;

/// <summary>What a model makes of a text.</summary>
/// <param name="Tokens">Tokens that were predicted: all but the first.</param>
/// <param name="TotalNats">Their negative log-likelihood, summed.</param>
public sealed record PerplexityResult(long Tokens, double TotalNats)
{
    /// <summary>The mean negative log-likelihood, in nats a token.</summary>
    public double Loss => TotalNats / Tokens;

    /// <summary>e to the loss.</summary>
    public double Perplexity => Math.Exp(Loss);
}

/// <summary>Perplexity of a text that is longer than a model's window: a window slides over it, and each token counts once.</summary>
/// <remarks>
/// A window moves by the stride; the tokens it shares with the one before are context, and only the new ones count. Where the model's
/// <see cref="Model.CacheFormat"/> rounds keys and values, each window reads them as they are kept: the loss is that of a model that answers so.
/// </remarks>
public static class PerplexityEvaluator
{
    private const int Uncounted = -100;

    /// <summary>Evaluates ids one window after the other.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="ids">The text, at least two ids.</param>
    /// <param name="length">Tokens of a window, at most the model's longest sequence.</param>
    /// <param name="stride">How far it moves, 1 to <paramref name="length"/>; smaller is slower and gives more context.</param>
    /// <param name="progress">Told the share that is done, in 0 to 1.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public static PerplexityResult Evaluate(Decoder decoder, Workers workers, ReadOnlyMemory<int> ids, int length, int stride,
        IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        Require.That(ids.Length >= 2, $"perplexity: at least 2 tokens are needed, but there are {ids.Length}");
        Require.That(length > 0 && length <= decoder.Config.MaximumLength,
            $"perplexity: the window must have 1 to {decoder.Config.MaximumLength} tokens, but it has {length}");
        Require.That(stride > 0 && stride <= length, $"perplexity: the stride must be from 1 to the window's {length}, but it is {stride}");
        using Tape tape = new(workers, decoder.Parameters) { Recording = false };
        int[] targets = new int[length];
        int predicted = ids.Length - 1, counted = 0;
        double total = 0;
        for (int begin = 0; counted < predicted; begin += stride)
        {
            cancellation.ThrowIfCancellationRequested();
            int end = Math.Min(begin + length, predicted), size = end - begin, context = counted - begin;
            targets.AsSpan(0, context).Fill(Uncounted);
            ids.Span.Slice(counted + 1, end - counted).CopyTo(targets.AsSpan(context));
            using SequenceState? kept = decoder.CacheFormat == CacheFormat.Float32 ? null : decoder.NewState();
            LossPart loss = decoder.Loss(tape, Rows.One(ids.Slice(begin, size), kept), targets.AsMemory(0, size));
            total += tape[loss.Sum][0];
            tape.Rewind();
            counted = end;
            progress?.Report((double)counted / predicted);
        }
        return new PerplexityResult(predicted, total);
    }
}
