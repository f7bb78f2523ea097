namespace Lemma.Decoding;

/// <summary>Keeps the fewest ids, likeliest first, whose probabilities sum to p or more.</summary>
/// <remarks>Holtzman et al. 2019, "The curious case of neural text degeneration", eq. 2.</remarks>
public sealed record TopP : LogitStep
{
    /// <summary>Keeps a share in [0, 1]; 0 keeps the likeliest alone.</summary>
    public TopP(double share)
    {
        Require.That(share is >= 0 and <= 1, $"top_p: p must be in [0, 1], but it is {share}");
        Share = share;
    }

    /// <summary>p.</summary>
    public double Share { get; }

    /// <inheritdoc/>
    public override void Apply(Candidates candidates, in DrawContext context)
    {
        if (Share < 1)
            candidates.KeepLikeliest(Share);
    }
}
