namespace Lemma.Planning;

/// <summary>The parts of a model that plans tell apart.</summary>
public enum ModelPart
{
    /// <summary>The table of ids, of kinds of token, and of rows for each block.</summary>
    Embedding,

    /// <summary>Learned positions, and biases by distance.</summary>
    Positions,

    /// <summary>The projections of what moves between positions: queries, keys, values, latents, outputs.</summary>
    Attention,

    /// <summary>Scores and weighted values, which have no parameters but sinks and spans.</summary>
    AttentionScores,

    /// <summary>The projections of attention to an encoder's rows.</summary>
    CrossAttention,

    /// <summary>Feed-forward layers that every row takes, the shared expert and what brings a row for each block among them.</summary>
    FeedForward,

    /// <summary>Experts that a router chooses.</summary>
    Experts,

    /// <summary>Routers, and their biases for the choice.</summary>
    Router,

    /// <summary>All norms, and numbers that rows are multiplied with.</summary>
    Norms,

    /// <summary>The head over the vocabulary: its parameters only where it has a matrix of its own.</summary>
    Head,

    /// <summary>Layers beside the head: scores, a pooler, classes.</summary>
    OtherHeads,

    /// <summary>Low-rank changes beside the model's matrices.</summary>
    Adapter,
}

/// <summary>Names of parts, and the part of a parameter.</summary>
internal static class ModelParts
{
    /// <summary>The part that a parameter's path names.</summary>
    public static ModelPart Of(string parameter)
    {
        string[] path = parameter.Split('.');
        if (path.Any(name => name.StartsWith("lora_", StringComparison.Ordinal)))
            return ModelPart.Adapter;
        if (path.Any(name => name.EndsWith("norm", StringComparison.Ordinal)))
            return ModelPart.Norms;
        foreach (string name in path)
        {
            switch (name)
            {
                case "embedding" or "token_types" or "block_embedding":
                    return ModelPart.Embedding;
                case "positions" or "position_bias":
                    return ModelPart.Positions;
                case "output_scale":
                    return ModelPart.Norms;
                case "per_block" or "block_projection":
                    return ModelPart.FeedForward;
                case "sinks" or "spans":
                    return ModelPart.AttentionScores;
                case "cross":
                    return ModelPart.CrossAttention;
                case "experts":
                    return ModelPart.Experts;
                case "router":
                    return ModelPart.Router;
                case "head":
                    return ModelPart.Head;
                case "score" or "pooler" or "classes":
                    return ModelPart.OtherHeads;
            }
        }
        return path.Contains("feed_forward") ? ModelPart.FeedForward
            : path.Contains("attention") ? ModelPart.Attention
            : throw new InvalidOperationException($"plan: the parameter '{parameter}' belongs to no part that is known");
    }
}
