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

    /// <summary>Several datasets by weights: as many ids as they have together, of each its share; what is short begins again at its beginning.</summary>
    /// <param name="parts">The datasets, none of them empty, and their weights, above 0.</param>
    /// <param name="name">What messages call it.</param>
    public static TokenDataset Mix(IReadOnlyList<(TokenDataset Part, double Weight)> parts, string name)
    {
        Require.That(parts.Count > 0 && parts.All(part => part.Part.Count > 0 && part.Weight > 0 && double.IsFinite(part.Weight)),
            $"mixture: each part needs ids and a weight above 0, but they have {string.Join(", ", parts.Select(part => part.Part.Count))} ids and the weights "
            + $"{string.Join(", ", parts.Select(part => part.Weight))}");
        double weights = parts.Sum(part => part.Weight), before = 0;
        int[] mixed = new int[checked(parts.Sum(part => part.Part.Count))];
        foreach ((TokenDataset part, double weight) in parts)
        {
            // Each ends where all up to it end, so that rounding leaves no gap.
            int at = (int)Math.Round(before / weights * mixed.Length), end = (int)Math.Round((before + weight) / weights * mixed.Length);
            for (before += weight; at < end; at += part.Count)
                part.Ids[..Math.Min(part.Count, end - at)].CopyTo(mixed.AsSpan(at));
        }
        return new TokenDataset(mixed, name);
    }

    /// <summary>Datasets one behind the other.</summary>
    /// <param name="parts">The datasets.</param>
    /// <param name="name">What messages call it.</param>
    public static TokenDataset Join(IReadOnlyList<TokenDataset> parts, string name)
    {
        int[] joined = new int[checked(parts.Sum(part => part.Count))];
        int at = 0;
        foreach (TokenDataset part in parts)
        {
            part.Ids.CopyTo(joined.AsSpan(at));
            at += part.Count;
        }
        return new TokenDataset(joined, name);
    }

    private static int Max(ReadOnlySpan<int> values)
    {
        int most = values[0];
        foreach (int value in values)
            most = Math.Max(most, value);
        return most;
    }
}
