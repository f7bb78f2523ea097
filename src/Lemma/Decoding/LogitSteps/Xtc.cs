namespace Lemma.Decoding;

/// <summary>With a probability, forgets of the ids with p ≥ t all but the least likely, where there are two or more.</summary>
/// <remarks>"Exclude top choices", Weidmann 2024 (text-generation-webui, pull request 6335). Its chances come from the seed, beside the draws.</remarks>
public sealed record Xtc : LogitStep
{
    /// <summary>A step that acts by chance.</summary>
    /// <param name="threshold">t in (0, 0.5]: above it no two ids can stand.</param>
    /// <param name="probability">How often it acts, in [0, 1].</param>
    public Xtc(double threshold, double probability = 1)
    {
        Require.That(threshold is > 0 and <= 0.5, $"xtc: the threshold must be in (0, 0.5], but it is {threshold}");
        Require.That(probability is >= 0 and <= 1, $"xtc: the probability must be in [0, 1], but it is {probability}");
        (Threshold, Probability) = (threshold, probability);
    }

    /// <summary>t.</summary>
    public double Threshold { get; }

    /// <summary>How often the step acts.</summary>
    public double Probability { get; }

    /// <inheritdoc/>
    public override void Apply(Candidates candidates, in DrawContext context)
    {
        if (context.Random.Uniform((ulong)context.Number) >= Probability)
            return;
        // No more ids than 1/t can have the probability t.
        int most = (int)Math.Min(candidates.Count, Math.Ceiling(1 / Threshold) + 1), likely = 0;
        candidates.Sort(most);
        ReadOnlySpan<double> probabilities = candidates.Probabilities(most);
        while (likely < probabilities.Length && probabilities[likely] >= Threshold)
            likely++;
        if (likely >= 2)
            candidates.KeepRange(likely - 1, candidates.Count - (likely - 1));
    }
}
