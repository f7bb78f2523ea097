namespace Lemma.Decoding;

/// <summary>Keeps the fewest ids, those first whose −ln p is nearest to H = −Σ p ln p, whose probabilities sum to a mass or more.</summary>
/// <remarks>Meister et al. 2022, "Locally typical sampling", eq. 10. Of two equally near the likelier comes first.</remarks>
public sealed record Typical : LogitStep
{
    /// <summary>Keeps a mass in (0, 1].</summary>
    public Typical(double mass)
    {
        Require.That(mass is > 0 and <= 1, $"typical: the mass must be in (0, 1], but it is {mass}");
        Mass = mass;
    }

    /// <summary>The mass.</summary>
    public double Mass { get; }

    /// <inheritdoc/>
    public override void Apply(Candidates candidates, in DrawContext context)
    {
        if (Mass < 1)
            candidates.KeepTypical(Mass);
    }
}
