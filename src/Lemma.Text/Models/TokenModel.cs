namespace Lemma.Text.Models;

/// <summary>The stage that turns one piece of text into ids, and knows the vocabulary.</summary>
/// <remarks>Immutable as seen from outside, and thread-safe.</remarks>
public abstract class TokenModel
{
    /// <summary>A model with a vocabulary.</summary>
    private protected TokenModel(Vocabulary vocabulary) => Vocabulary = vocabulary;

    /// <summary>The pieces and their ids.</summary>
    public Vocabulary Vocabulary { get; }

    /// <summary>Appends the ids of a piece.</summary>
    /// <param name="piece">Well-formed UTF-16; not empty.</param>
    /// <param name="ids">Where the ids are appended.</param>
    /// <returns>−1, or the index of the character that the model has no id for (then ids have an unspecified tail).</returns>
    public abstract int Encode(ReadOnlySpan<char> piece, List<int> ids);
}
