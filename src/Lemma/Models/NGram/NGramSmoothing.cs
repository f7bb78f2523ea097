namespace Lemma.Models;

/// <summary>How counts become probabilities, so that what was never seen has some too.</summary>
public abstract record NGramSmoothing
{
    private protected NGramSmoothing() { }

    internal abstract void Validate();

    internal abstract NGramModel Estimate(NGramCounts counts);
}

/// <summary>p(w | h) = (c(h w) + k)/(c(h) + k·V), h the whole context: a context that was never seen gives 1/V.</summary>
/// <remarks>Lidstone 1920; K = 1 is Laplace's rule.</remarks>
public sealed record AddKSmoothing(double K = 1) : NGramSmoothing
{
    internal override void Validate() => Require.That(K > 0 && double.IsFinite(K), $"add-k: k must be above 0, but it is {K}");

    internal override NGramModel Estimate(NGramCounts counts) => NGramEstimation.AddK(counts, K);
}

/// <summary>Katz's back-off with the discounts of Good and Turing for counts up to a threshold (<see cref="Formulas.KatzBackoff"/>).</summary>
/// <remarks>The lowest order backs off to 1/V. Katz 1987.</remarks>
public sealed record KatzSmoothing(int Threshold = 5) : NGramSmoothing
{
    internal override void Validate() => Require.That(Threshold is > 0 and < 1000, $"katz: the threshold must be from 1 to 999, but it is {Threshold}");

    internal override NGramModel Estimate(NGramCounts counts) => NGramEstimation.Katz(counts, Threshold);
}

/// <summary>Interpolated Kneser-Ney: a discount is taken from every count, and orders below the highest count what may stand before, not how often.</summary>
/// <remarks>
/// The lowest order is interpolated with 1/V. N-grams at the beginning of a document keep how often they were seen, since one thing stands before them.
/// Kneser and Ney 1995; Chen and Goodman 1998 (<see cref="Formulas.KneserNey"/>); the same probabilities as KenLM's lmplz gives.
/// </remarks>
public sealed record KneserNeySmoothing : NGramSmoothing
{
    /// <summary>Discounts of their own for counts of 1, 2 and more; else one for all.</summary>
    public bool Modified { get; init; } = true;

    internal override void Validate() { }

    internal override NGramModel Estimate(NGramCounts counts) => NGramEstimation.KneserNey(counts, Modified);
}
