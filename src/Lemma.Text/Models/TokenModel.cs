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

    /// <summary>Appends the range of the piece that each of its ids stands for, once it is encoded.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="ids">All of its ids.</param>
    /// <param name="ranges">Where the ranges are appended, one an id.</param>
    internal abstract void Locate(ReadOnlySpan<char> piece, ReadOnlySpan<int> ids, List<(int Start, int End)> ranges);
}
