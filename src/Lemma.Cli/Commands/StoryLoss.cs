using Lemma.Compute;
using Lemma.Data;
using Lemma.Evaluation;
using Lemma.Models;
using Lemma.Text;

namespace Lemma.Cli.Commands;

/// <summary>What a model loses on held-out stories: each alone, from its first token to its end, so that it knows what the source knows.</summary>
internal readonly record struct StoryLoss(double Nats, long Tokens, long Bytes)
{
    /// <summary>The number of the first held-out story, and of the first held-out example of any built-in source: no training comes so far.</summary>
    public const long First = 1L << 40;

    /// <summary>How many are read.</summary>
    public const int Count = 200;

    /// <summary>Bits a byte.</summary>
    public double BitsPerByte => Nats / Math.Log(2) / Bytes;

    /// <summary>Reads the held-out stories of a source.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="source">The source.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="toTheEnd">Whether that a story ends counts too.</param>
    public static StoryLoss Of(Decoder decoder, Tokenizer tokenizer, StorySource source, Workers workers, bool toTheEnd = true)
    {
        (double nats, long tokens, long bytes) = (0, 0, 0);
        int longest = decoder.MaximumLength;
        int[] mark = (decoder.Config.EndId ?? decoder.Config.BeginId) is { } end ? [end] : [];
        foreach (Story story in source.Range(First, Count))
        {
            int[] ids = [.. mark, .. tokenizer.Encode(story.Text, addSpecialTokens: false), .. toTheEnd ? mark : []];
            PerplexityResult result = PerplexityEvaluator.Evaluate(decoder, workers, ids, longest, longest / 2);
            (nats, tokens, bytes) = (nats + result.TotalNats, tokens + result.Tokens, bytes + System.Text.Encoding.UTF8.GetByteCount(story.Text));
        }
        return new StoryLoss(nats, tokens, bytes);
    }
}
