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
        if (Mass == 1)
            return;
        // In the order of falling logits what is kept stands together, around the place where −ln p passes H: it grows to its nearer side.
        double entropy = candidates.Entropy, certain = candidates.LargestLogit + candidates.LogTotal, sum = 0;
        int first = -1, end = -1;
        foreach (int most in OrderedPrefix.Sizes(candidates.Count))
        {
            candidates.Sort(most);
            ReadOnlySpan<double> probabilities = candidates.Probabilities(most);
            ReadOnlySpan<float> logits = candidates.Logits[..probabilities.Length];
            if (first < 0)
            {
                int middle = 0;
                while (middle < logits.Length && certain - logits[middle] < entropy)
                    middle++;
                if (middle == logits.Length && middle < candidates.Count)
                    continue;
                first = end = middle;
            }
            // Where the ordered part ends, what comes next may be nearer than what stands before.
            while (sum < Mass && (end < logits.Length || (end == candidates.Count && first > 0)))
            {
                bool takesLikelier = first > 0 && (end == candidates.Count || entropy - (certain - logits[first - 1]) <= certain - logits[end] - entropy);
                sum += probabilities[takesLikelier ? --first : end++];
            }
            if (sum >= Mass)
                break;
        }
        candidates.KeepRange(first, end - first);
    }
}
