using Lemma.Models;
using Lemma.Modules;
using Lemma.Weights;

namespace Lemma.Planning;

/// <summary>What a model has more or less than a formula of a sheet says, and why.</summary>
/// <param name="Reason">The reason.</param>
/// <param name="Parameters">More than the formula says; negative for fewer.</param>
public sealed record CountDifference(string Reason, long Parameters);

/// <summary>N ≈ V·d + L·(4d² + 2·d·d_ff): the count of usual sheets, beside what a model has.</summary>
/// <remarks>
/// V: ids, d: width, L: blocks, d_ff: inner width, of experts that of the chosen ones together. The formula is that of a plain decoder without biases, norms and
/// positions whose head is its embedding (Kaplan et al. 2020, table 1). A gated layer has three matrices, a block two norms.
/// </remarks>
public sealed record SheetCount
{
    private SheetCount() { }

    /// <summary>What the formula gives.</summary>
    public required long Formula { get; init; }

    /// <summary>What is missing in it; none is 0.</summary>
    public required IReadOnlyList<CountDifference> Differences { get; init; }

    /// <summary>The formula and all differences: the count of the model.</summary>
    public long Exact => Formula + Differences.Sum(difference => difference.Parameters);

    /// <summary>The formula for a config, and every difference.</summary>
    public static SheetCount Of(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        using Model model = config.Declare();
        Parameter[] all = [.. model.Parameters.All];
        BlockConfig[] blocks = [.. config.AllBlocks];
        long d = all.First(parameter => parameter.Name == "embedding.weight").Shape.Columns, vocabulary = config.VocabularySize;
        long attention = 4 * d * d * blocks.Length, plain = blocks.Sum(block => 2 * d * InnerOf(block.FeedForward));
        long gates = blocks.Sum(block => d * GatesOf(block.FeedForward)), others = blocks.Sum(block => OtherExperts(d, block.FeedForward));
        long table = all.Where(parameter => parameter.Name == "embedding.weight").Sum(parameter => parameter.Count);
        (string Reason, long Count)[] differences =
        [
            ("a gated feed-forward has a third matrix", gates),
            ("experts that a token does not choose", others),
            ("routers and gates of shared experts", Matrices(ModelPart.Router) + SharedGates()),
            ("attention whose heads or latents make other than four d × d matrices", Matrices(ModelPart.Attention) - attention),
            ("cross attention", Matrices(ModelPart.CrossAttention)),
            ("biases", Vectors(ModelPart.Attention, ModelPart.AttentionScores, ModelPart.CrossAttention, ModelPart.FeedForward, ModelPart.Head, ModelPart.OtherHeads,
                ModelPart.Router, ModelPart.Experts)),
            ("norms: two a block or more, and the last", Of(ModelPart.Norms)),
            ("learned positions and biases by distance", Of(ModelPart.Positions)),
            ("vectors of kinds of token", Of(ModelPart.Embedding) - table - Named("block_embedding.")),
            ("a row for each block, and its gates",
                Named("block_embedding.") + Named("block_projection.") + Named(".per_block.gate.") + Named(".per_block.projection.")),
            ("a head of its own", Matrices(ModelPart.Head)),
            ("further heads", Matrices(ModelPart.OtherHeads)),
        ];
        return new SheetCount
        {
            Formula = vocabulary * d + attention + plain,
            Differences = [.. differences.Where(one => one.Count != 0).Select(one => new CountDifference(one.Reason, one.Count))],
        };

        long Of(params ReadOnlySpan<ModelPart> parts)
        {
            long sum = 0;
            foreach (Parameter parameter in all)
                sum += parts.Contains(ModelParts.Of(parameter.Name)) ? parameter.Count : 0;
            return sum;
        }

        long Matrices(ModelPart part) => all.Where(parameter => parameter.Shape.Rank > 1 && ModelParts.Of(parameter.Name) == part).Sum(parameter => parameter.Count);

        long Vectors(params ModelPart[] parts) =>
            all.Where(parameter => parameter.Shape.Rank == 1 && parts.Contains(ModelParts.Of(parameter.Name))).Sum(parameter => parameter.Count);

        long SharedGates() => Named(".shared_gate.");

        long Named(string part) => all.Where(parameter => parameter.Name.Contains(part, StringComparison.Ordinal)).Sum(parameter => parameter.Count);
    }

    // Σ d_ff over what one row takes.
    private static long InnerOf(FeedForwardConfig layer) => layer is ExpertsFeedForward experts
        ? (long)experts.Routing.Chosen * experts.HiddenWidth + (experts.Shared?.HiddenWidth ?? 0) : layer.HiddenWidth;

    private static long GatesOf(FeedForwardConfig layer) => layer is PlainFeedForward ? 0 : InnerOf(layer);

    private static long OtherExperts(long width, FeedForwardConfig layer) => layer is ExpertsFeedForward experts
        ? 3 * width * experts.HiddenWidth * (experts.Routing.Experts - experts.Routing.Chosen) : 0;
}
