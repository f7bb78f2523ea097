using Lemma.Text.Normalization;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>What all trainers want to know.</summary>
public abstract record TrainerOptions
{
    /// <summary>The most pieces, special tokens and characters included; fewer when the text has no more.</summary>
    public int VocabularySize { get; init; }

    /// <summary>Special tokens, which get the ids 0, 1, 2, ...; none is shorter than two characters or occurs twice. Where they stand in
    /// the texts, nothing is learned.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = [];

    /// <summary>The stage that rewrites texts first; null for none.</summary>
    public Normalizer? Normalizer { get; init; }

    /// <summary>The stage that splits texts; no piece goes over its cuts. Null for none, so that a text is one word; a trainer may have
    /// words of its own there.</summary>
    public Splitter? Splitter { get; init; }

    /// <summary>The most threads; null for all processors. The result does not depend on it.</summary>
    public int? Threads { get; init; }

    /// <summary>Checks the options against each other.</summary>
    /// <exception cref="ArgumentException">A rule is broken; the message says which, and the values.</exception>
    public virtual void Validate()
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string token in AllSpecialTokens)
            if (token.Length <= 1 || !seen.Add(token))
                throw new ArgumentException($"train: special tokens must differ and have two characters or more, but one is '{token}'");
        if (Threads < 1)
            throw new ArgumentException($"train: the threads must be at least 1, but are {Threads}");
    }

    /// <summary>The special tokens with those that the trainer needs.</summary>
    internal virtual IReadOnlyList<string> AllSpecialTokens => SpecialTokens;

    /// <summary>The special tokens with their ids.</summary>
    internal AddedToken[] NumberSpecialTokens() => [.. AllSpecialTokens.Select(static (token, id) => new AddedToken(id, token))];

    /// <summary>Holds the number of pieces to the special tokens, of which there must be fewer.</summary>
    private protected void ValidateSize()
    {
        if (VocabularySize <= AllSpecialTokens.Count)
            throw new ArgumentException($"train: the vocabulary must hold more than the {AllSpecialTokens.Count} special tokens, "
                + $"but its size is {VocabularySize}");
    }
}
