using Lemma.Tensors;

namespace Lemma.Models;

/// <summary>Declares the parameters of a decoder: the one place where their names, shapes and order are written.</summary>
/// <remarks>
/// Queries, keys and values are one matrix, as are gate and up: one wider product instead of several.
/// Matrices decay; biases, norms and embeddings of positions do not.
/// </remarks>
public static class DecoderParameters
{
    /// <summary>Declares every parameter in the order of the forward pass.</summary>
    public static Parameters Declare(DecoderConfig config)
    {
        config.Validate();
        Parameters parameters = new();
        AttentionConfig attention = config.Attention;
        int d = config.Width, queries = attention.Heads * attention.HeadWidth, keys = attention.KeyValueHeads * attention.HeadWidth;

        parameters.Add("embedding.weight", new Shape(config.VocabularySize, d), decays: true);
        if (config.Positions is LearnedPositions)
            parameters.Add("positions.weight", new Shape(config.MaximumLength, d), decays: false);
        for (int i = 0; i < config.Layers; i++)
        {
            string block = $"blocks.{i}";
            AddNorm($"{block}.attention_norm");
            AddLinear($"{block}.attention.qkv", queries + 2 * keys, d, attention.InputBias);
            AddLinear($"{block}.attention.output", d, queries, attention.OutputBias);
            AddNorm($"{block}.feed_forward_norm");
            int hidden = config.FeedForward.HiddenWidth;
            if (config.FeedForward is SwiGluFeedForward)
                AddLinear($"{block}.feed_forward.gate_up", 2 * hidden, d, config.FeedForward.Bias);
            else
                AddLinear($"{block}.feed_forward.up", hidden, d, config.FeedForward.Bias);
            AddLinear($"{block}.feed_forward.down", d, hidden, config.FeedForward.Bias);
        }
        AddNorm("norm");
        if (!config.TiedHead)
            parameters.Add("head.weight", new Shape(config.VocabularySize, d), decays: true);
        return parameters;

        void AddNorm(string name)
        {
            parameters.Add($"{name}.weight", new Shape(d), decays: false);
            if (config.Norm is LayerNormConfig)
                parameters.Add($"{name}.bias", new Shape(d), decays: false);
        }

        void AddLinear(string name, int outputs, int inputs, bool bias)
        {
            parameters.Add($"{name}.weight", new Shape(outputs, inputs), decays: true);
            if (bias)
                parameters.Add($"{name}.bias", new Shape(outputs), decays: false);
        }
    }
}
