using Lemma.Models;
using Lemma.Modules;
using Lemma.Planning;
using Lemma.Weights;

namespace Lemma.Cli.Bench;

/// <summary>What a decoder has to read and to multiply: the floors of decoding and of prompts.</summary>
internal static class DecodingWork
{
    /// <summary>Operations of a prompt: products of all rows but for the head's, which the last row alone needs, and attention to what came before.</summary>
    public static double OfPrompt(Decoder decoder, int rows)
    {
        double head = (double)decoder.VocabularySize * decoder.Config.Width;
        double matrices = decoder.Parameters.Count - head * (decoder.Config.Head.Tied ? 1 : 2) - ExpertsLeft(decoder, parameter => parameter.Count);
        double attention = decoder.Config.Stack.Blocks.Sum(block => block.Mixer is AttentionConfig one ? 4.0 * one.Heads * one.HeadWidth : 0);
        return 2 * rows * matrices + 2 * head + attention * rows * (rows + 1) / 2;
    }

    /// <summary>The bytes of weights that a decoded token reads: all but a table that is only looked up in, and of experts the chosen ones.</summary>
    public static double WeightBytes(Decoder decoder) => decoder.Parameters.WeightBytes
        - (decoder.Config.Head.Tied ? 0 : decoder.Parameters["embedding.weight"].Bytes) - ExpertsLeft(decoder, parameter => parameter.Bytes);

    /// <summary>The bytes that some tokens of each of several sequences read: weights, and the keys and values of half the tokens in the middle.</summary>
    public static double ReadBytes(Decoder decoder, int sequences, int tokens, int before)
    {
        double cache = CachePlan.Of(decoder.Config).BytesOfToken(StorageFormat.Find(decoder.CacheFormat.Name));
        return tokens * (WeightBytes(decoder) + sequences * cache * (before + tokens / 2.0));
    }

    // Experts are stacked, one in the place of another, and nothing else has three axes.
    private static double ExpertsLeft(Decoder decoder, Func<Parameter, long> size) => decoder.Config.Stack.Blocks.Select((block, index) =>
        block.FeedForward is not ExpertsFeedForward experts ? 0 : (1 - (double)experts.Routing.Chosen / experts.Routing.Experts)
            * decoder.Parameters.All.Where(parameter => parameter.Shape.Rank == 3 && parameter.Name.Contains($"blocks.{index}.", StringComparison.Ordinal))
                .Sum(parameter => (double)size(parameter))).Sum();
}
