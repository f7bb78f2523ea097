namespace Lemma.Decoding;

/// <summary>z ← −∞ for some ids.</summary>
/// <remarks>What <c>suppress_tokens</c> is in transformers.</remarks>
public sealed record BannedIds : LogitStep
{
    /// <summary>Bans ids of the vocabulary.</summary>
    public BannedIds(IEnumerable<int> ids)
    {
        Ids = new ValueList<int>(ids.Distinct().Order());
        Require.That(Ids.Count == 0 || Ids[0] >= 0, $"banned_ids: an id must not be negative, but one is {(Ids.Count == 0 ? 0 : Ids[0])}");
    }

    /// <summary>The ids, rising.</summary>
    public ValueList<int> Ids { get; }

    /// <inheritdoc/>
    public override void Apply(Candidates candidates, in DrawContext context)
    {
        for (int i = 0; i < Ids.Count; i++)
        {
            Require.That(Ids[i] < candidates.VocabularySize, $"banned_ids: id {Ids[i]} is not among the {candidates.VocabularySize} that may be drawn");
            candidates.Add(Ids[i], double.NegativeInfinity);
        }
    }
}
