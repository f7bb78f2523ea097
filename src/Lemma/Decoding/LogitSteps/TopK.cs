namespace Lemma.Decoding;

/// <summary>Keeps the k largest logits; of equal ones the lowest ids.</summary>
/// <remarks>Fan, Lewis and Dauphin 2018, section 5.4.</remarks>
public sealed record TopK : LogitStep
{
    /// <summary>Keeps a positive number.</summary>
    public TopK(int count)
    {
        Require.That(count > 0, $"top_k: k must be positive, but it is {count}");
        Count = count;
    }

    /// <summary>k.</summary>
    public int Count { get; }

    /// <inheritdoc/>
    public override void Apply(Candidates candidates, in DrawContext context)
    {
        if (Count >= candidates.Count)
            return;
        candidates.Sort(Count);
        candidates.KeepFirst(Count);
    }
}
