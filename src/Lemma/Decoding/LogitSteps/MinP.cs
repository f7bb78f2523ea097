namespace Lemma.Decoding;

/// <summary>Keeps the ids whose probability is at least a share of the largest: p ≥ a·max p.</summary>
/// <remarks>Nguyen et al. 2024, "Turning up the heat: min-p sampling for creative and coherent LLM outputs". As logits: z ≥ max z + ln a.</remarks>
public sealed record MinP : LogitStep
{
    /// <summary>Keeps by a share in [0, 1]; 0 keeps all.</summary>
    public MinP(double share)
    {
        Require.That(share is >= 0 and <= 1, $"min_p: it must be in [0, 1], but it is {share}");
        Share = share;
    }

    /// <summary>a.</summary>
    public double Share { get; }

    /// <inheritdoc/>
    public override void Apply(Candidates candidates, in DrawContext context) => candidates.KeepAtLeast(candidates.LargestLogit + Math.Log(Share));
}
