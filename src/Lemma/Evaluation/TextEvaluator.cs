using Lemma.Compute;
using Lemma.Models;
using Lemma.Text;

namespace Lemma.Evaluation;

/// <summary>What a model makes of texts: nats, tokens and bytes of the same predictions.</summary>
/// <param name="Tokens">Tokens that were predicted.</param>
/// <param name="TotalNats">Their negative log-likelihood, summed.</param>
/// <param name="Bytes">The UTF-8 bytes that they stand for.</param>
public sealed record TextResult(long Tokens, double TotalNats, long Bytes)
{
    /// <summary>The mean negative log-likelihood, in nats a token.</summary>
    public double Loss => TotalNats / Tokens;

    /// <summary>The bits that the model needs for a byte of the text, whatever its tokenizer.</summary>
    public double BitsPerByte => TotalNats / Math.Log(2) / Bytes;
}

/// <summary>Loss and bits a byte of texts, each read on its own from the id that begins a text.</summary>
/// <remarks>
/// Before a text stands the model's begin id, or its end id where there is no begin id; nothing is added behind. A model with neither predicts
/// all but the first token of a text, whose bytes then do not count either.
/// </remarks>
public static class TextEvaluator
{
    /// <summary>Evaluates texts one after the other.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="texts">The texts; those without a token to predict are left out.</param>
    /// <param name="length">Tokens of a window, at most the model's longest sequence.</param>
    /// <param name="stride">How far it moves, 1 to <paramref name="length"/>; smaller is slower and gives more context.</param>
    /// <param name="progress">Told the share that is done, in 0 to 1.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">No text has a token to predict, or the window does not fit the model.</exception>
    public static TextResult Evaluate(Decoder decoder, Tokenizer tokenizer, Workers workers, IReadOnlyList<string> texts, int length, int stride,
        IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        int? begin = decoder.Config.BeginId ?? decoder.Config.EndId;
        TextResult sum = new(0, 0, 0);
        for (int i = 0; i < texts.Count; i++)
        {
            EncodedText encoded = tokenizer.EncodeDetailed(texts[i], addSpecialTokens: false);
            int[] ids = [.. begin is { } id ? (ReadOnlySpan<int>)[id] : [], .. encoded.Ids];
            if (ids.Length >= 2)
            {
                PerplexityResult result = PerplexityEvaluator.Evaluate(decoder, workers, ids, length, stride, cancellation: cancellation);
                int first = begin is null ? encoded.Offsets[1].Start : 0;
                sum = new(sum.Tokens + result.Tokens, sum.TotalNats + result.TotalNats, sum.Bytes + System.Text.Encoding.UTF8.GetByteCount(texts[i].AsSpan(first)));
            }
            progress?.Report((i + 1.0) / texts.Count);
        }
        Require.That(sum.Tokens > 0, $"evaluation: at least one token must be predicted, but the {texts.Count} texts have none");
        return sum;
    }
}
