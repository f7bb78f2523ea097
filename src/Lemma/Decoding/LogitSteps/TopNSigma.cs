namespace Lemma.Decoding;

/// <summary>Keeps the logits within n standard deviations of the largest: z ≥ max z − n·σ(z).</summary>
/// <remarks>Tang et al. 2024, "Top-nσ: not all logits are you need". σ is that of all that are left and above −∞. What is kept does not
/// depend on a temperature before it.</remarks>
public sealed record TopNSigma : LogitStep
{
    /// <summary>Keeps by a number of standard deviations of at least 0.</summary>
    public TopNSigma(double deviations)
    {
        Require.That(deviations >= 0 && double.IsFinite(deviations), $"top_n_sigma: n must be at least 0, but it is {deviations}");
        Deviations = deviations;
    }

    /// <summary>n.</summary>
    public double Deviations { get; }

    /// <inheritdoc/>
    public override void Apply(Candidates candidates, in DrawContext context) =>
        candidates.KeepAtLeast(candidates.LargestLogit - (Deviations * candidates.Deviation));
}
