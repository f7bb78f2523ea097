namespace Lemma.Decoding;

/// <summary>z ← z/θ where z &gt; 0, z·θ elsewhere, for every id among the last ones, those of the prompt included.</summary>
/// <remarks>Keskar et al. 2019, "CTRL", section 4.1, with the signs that its code and its successors have.</remarks>
public sealed record RepetitionPenalty : LogitStep
{
    /// <summary>A penalty of a positive factor; above 1 it disfavours, below 1 it favours.</summary>
    /// <param name="factor">θ.</param>
    /// <param name="last">How many last ids count; null for all.</param>
    public RepetitionPenalty(double factor, int? last = null)
    {
        Require.That(factor > 0 && double.IsFinite(factor), $"repetition_penalty: it must be positive, but it is {factor}");
        Require.That(last is null or > 0, $"repetition_penalty: the ids that count must be positive, but they are {last}");
        (Factor, Last) = (factor, last);
    }

    /// <summary>θ.</summary>
    public double Factor { get; }

    /// <summary>How many last ids count; null for all.</summary>
    public int? Last { get; }

    /// <inheritdoc/>
    public override void Apply(Candidates candidates, in DrawContext context)
    {
        IdCounts seen = candidates.NewCounts();
        foreach (int id in context.Last(Last))
            seen.Raise(id, 1);
        foreach (int id in seen.Members)
        {
            int place = candidates.PlaceOf(id);
            if (place < 0)
                continue;
            ref float logit = ref candidates.ChangeLogits()[place];
            logit = (float)(logit > 0 ? logit / Factor : logit * Factor);
        }
    }
}
