namespace Lemma.Data;

/// <summary>Ids of text in one long run: documents one after the other.</summary>
public sealed class TokenDataset
{
    private readonly ReadOnlyMemory<int> ids;

    /// <summary>A dataset over ids that are there already.</summary>
    /// <param name="ids">The ids; none is negative.</param>
    /// <param name="name">What messages call it.</param>
    public TokenDataset(ReadOnlyMemory<int> ids, string name = "data") => (this.ids, Name) = (ids, name);

    /// <summary>What messages call it: "data", "training data", "validation data".</summary>
    public string Name { get; }

    /// <summary>How many tokens it has.</summary>
    public int Count => ids.Length;

    /// <summary>The ids in order.</summary>
    public ReadOnlySpan<int> Ids => ids.Span;

    /// <summary>The largest id, or -1 when there is none: it must be below the vocabulary's size.</summary>
    public int LargestId => Count == 0 ? -1 : Max(Ids);

    /// <summary>Packs documents into one run; after each stands <paramref name="endId"/>, when there is one.</summary>
    public static TokenDataset Pack(IEnumerable<IReadOnlyList<int>> documents, int? endId = null)
    {
        List<int> packed = [];
        foreach (IReadOnlyList<int> document in documents)
        {
            packed.AddRange(document);
            if (endId is { } end)
                packed.Add(end);
        }
        return new TokenDataset(packed.ToArray());
    }

    /// <summary>Cuts the last part off for validation.</summary>
    /// <param name="validationFraction">The share of tokens for validation, in (0, 1).</param>
    public (TokenDataset Training, TokenDataset Validation) Split(double validationFraction = 0.1)
    {
        Require.That(validationFraction is > 0 and < 1, $"split: the validation fraction must be in (0, 1), but it is "
            + $"{validationFraction}");
        int training = (int)(Count * (1 - validationFraction));
        return (new(ids[..training], "training data"), new(ids[training..], "validation data"));
    }

    private static int Max(ReadOnlySpan<int> values)
    {
        int most = values[0];
        foreach (int value in values)
            most = Math.Max(most, value);
        return most;
    }
}
