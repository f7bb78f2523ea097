namespace Lemma.Text.Training;

/// <summary>What a byte-level BPE vocabulary is trained to.</summary>
public sealed record BpeTrainerOptions
{
    /// <summary>The number of pieces, special tokens and the 256 bytes included; fewer when the text has no more pairs.</summary>
    public int VocabularySize { get; init; } = 4096;

    /// <summary>The least number of times that a pair must occur to be merged; at least 1.</summary>
    public long MinimumFrequency { get; init; } = 2;

    /// <summary>Special tokens, which get the ids 0, 1, 2, ...; none is empty or occurs twice.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = ["<|endoftext|>"];

    /// <summary>Checks the options against each other.</summary>
    /// <exception cref="ArgumentException">A rule is broken; the message says which, and the values.</exception>
    public void Validate()
    {
        int least = 256 + SpecialTokens.Count;
        if (VocabularySize < least)
            throw new ArgumentException(
                $"train: the vocabulary must hold 256 bytes and {SpecialTokens.Count} special tokens, but its size is {VocabularySize}");
        if (MinimumFrequency < 1)
            throw new ArgumentException($"train: the minimum frequency must be at least 1, but is {MinimumFrequency}");
        SpecialTokenList.Validate(SpecialTokens);
    }
}

/// <summary>The rule of a list of special tokens.</summary>
internal static class SpecialTokenList
{
    public static void Validate(IReadOnlyList<string> tokens)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string token in tokens)
            if (token.Length <= 1 || !seen.Add(token))
                throw new ArgumentException($"train: special tokens must differ and have two characters or more, but one is '{token}'");
    }

    /// <summary>The tokens with their ids from 0.</summary>
    public static AddedToken[] Number(IReadOnlyList<string> tokens) =>
        [.. tokens.Select(static (token, id) => new AddedToken(id, token))];
}
