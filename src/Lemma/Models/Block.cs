using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Models;

/// <summary>The parts of one block of a decoder.</summary>
internal sealed class Block(DecoderConfig config, Parameters parameters, int index)
{
    /// <summary>The norm before attention.</summary>
    public Norm AttentionNorm { get; } = new(config.Norm, parameters, $"blocks.{index}.attention_norm");

    /// <summary>The projection to queries, keys and values.</summary>
    public LinearLayer AttentionInput { get; } = new(parameters, $"blocks.{index}.attention.qkv", config.Attention.InputBias);

    /// <summary>The projection back to the residual stream.</summary>
    public LinearLayer AttentionOutput { get; } = new(parameters, $"blocks.{index}.attention.output", config.Attention.OutputBias);

    /// <summary>The norm before the feed-forward layer.</summary>
    public Norm FeedForwardNorm { get; } = new(config.Norm, parameters, $"blocks.{index}.feed_forward_norm");

    /// <summary>The feed-forward layer.</summary>
    public FeedForward FeedForward { get; } = new(config.FeedForward, parameters, $"blocks.{index}.feed_forward");
}
