using Lemma.Models;
using Lemma.Text;

namespace Lemma.Evaluation;

/// <summary>Perplexity of n-gram models, for what others predict as well.</summary>
public static class NGramEvaluator
{
    /// <summary>Evaluates documents of ids, each from its begin mark to its end mark.</summary>
    /// <param name="model">The model.</param>
    /// <param name="documents">The ids of each, without marks.</param>
    /// <param name="isEnded">Whether the ends count, where there is an end mark.</param>
    public static PerplexityResult Evaluate(NGramModel model, IEnumerable<ReadOnlyMemory<int>> documents, bool isEnded = true)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(documents);
        (double sum, long count) = (0, 0);
        foreach (ReadOnlyMemory<int> document in documents)
        {
            (double nats, long tokens) = model.Score(document.Span, isEnded);
            (sum, count) = (sum + nats, count + tokens);
        }
        Require.That(count > 0, $"n-grams: at least one id must be predicted, but the documents have none");
        return new PerplexityResult(count, sum);
    }

    /// <summary>Evaluates what <see cref="TextEvaluator"/> does: each text on its own, without its end.</summary>
    /// <param name="model">The model, of the tokenizer's ids.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="countsFirst">Whether the first token of a text is predicted; a decoder without an id that begins a text does not.</param>
    public static TextResult Evaluate(NGramModel model, Tokenizer tokenizer, IReadOnlyList<string> texts, bool countsFirst = true)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        TextResult sum = new(0, 0, 0);
        foreach (string text in texts)
        {
            EncodedText encoded = tokenizer.EncodeDetailed(text, addSpecialTokens: false);
            int[] ids = encoded.Ids.ToArray();
            int first = countsFirst ? 0 : 1;
            if (ids.Length <= first)
                continue;
            (double nats, long tokens) = model.Score(ids, isEnded: false);
            if (!countsFirst)
                (nats, tokens) = (nats + Math.Log(model.Probability(model.Begin, ids[0])), tokens - 1);
            int bytes = System.Text.Encoding.UTF8.GetByteCount(text.AsSpan(countsFirst ? 0 : encoded.Offsets[1].Start));
            sum = new(sum.Tokens + tokens, sum.TotalNats + nats, sum.Bytes + bytes);
        }
        Require.That(sum.Tokens > 0, $"n-grams: at least one token must be predicted, but the {texts.Count} texts have none");
        return sum;
    }

    /// <summary>Evaluates the predictions of a pass: each target from the ids of its window, up to the order of them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="inputs">The ids that are read.</param>
    /// <param name="targets">The id behind each; negative where nothing is predicted.</param>
    /// <param name="length">Ids of a window; nothing is known before its first.</param>
    public static PerplexityResult EvaluateWindows(NGramModel model, ReadOnlySpan<int> inputs, ReadOnlySpan<int> targets, int length)
    {
        ArgumentNullException.ThrowIfNull(model);
        Require.That(inputs.Length == targets.Length && length > 0, $"n-grams: {targets.Length} targets do not fit {inputs.Length} ids in windows of {length}");
        (double nats, long tokens) = (0, 0);
        NGramState state = default;
        for (int i = 0; i < inputs.Length; i++)
        {
            state = model.Next(i % length == 0 ? default : state, inputs[i]);
            if (targets[i] < 0)
                continue;
            nats -= Math.Log(model.Probability(state, targets[i]));
            tokens++;
        }
        return new PerplexityResult(tokens, nats);
    }
}
