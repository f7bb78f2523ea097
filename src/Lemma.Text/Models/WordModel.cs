namespace Lemma.Text.Models;

/// <summary>One id a word: a piece that is not in the vocabulary is unknown.</summary>
public sealed class WordModel : TokenModel
{
    private readonly int unknownId;

    /// <summary>A model of a vocabulary of words.</summary>
    /// <param name="vocabulary">The words.</param>
    /// <param name="unknownPiece">The piece of other words; they are an error when the vocabulary lacks it.</param>
    public WordModel(Vocabulary vocabulary, string unknownPiece = "<unk>")
        : base(vocabulary)
    {
        UnknownPiece = unknownPiece;
        unknownId = vocabulary.IdOf(unknownPiece);
    }

    /// <summary>The piece of words that the vocabulary lacks.</summary>
    public string UnknownPiece { get; }

    /// <inheritdoc/>
    public override int Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        int id = Vocabulary.IdOf(piece);
        if (id < 0 && (id = unknownId) < 0)
            return 0;
        ids.Add(id);
        return -1;
    }

    /// <inheritdoc/>
    internal override void Locate(ReadOnlySpan<char> piece, ReadOnlySpan<int> ids, List<(int Start, int End)> ranges) =>
        ranges.Add((0, piece.Length));
}
