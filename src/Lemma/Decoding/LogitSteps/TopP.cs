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
        if (Share == 1)
            return;
        double sum = 0;
        int count = 0;
        foreach (int most in OrderedPrefix.Sizes(candidates.Count))
        {
            candidates.Sort(most);
            ReadOnlySpan<double> probabilities = candidates.Probabilities(most);
            while (count < probabilities.Length && sum < Share)
                sum += probabilities[count++];
            if (sum >= Share)
                break;
        }
        candidates.KeepFirst(count);
    }
}
