using Lemma.Text.Splitting;

namespace Lemma.Text.Models;

/// <summary>At each place the longest piece that the text goes on with, from left to right: RWKV's way.</summary>
internal sealed class LongestPieceModel : TokenModel
{
    private readonly PieceTrie trie = new();

    /// <summary>A model of pieces that are spelled in the alphabet of bytes and have all 256 of them, so nothing is unknown.</summary>
    /// <exception cref="ArgumentException">A byte or a text is no piece.</exception>
    public LongestPieceModel(Vocabulary vocabulary)
        : base(vocabulary)
    {
        for (int value = 0; value < 256; value++)
            if (vocabulary.IdOf([ByteAlphabet.ToCharacter((byte)value)]) < 0)
                throw new ArgumentException($"the vocabulary must have all 256 bytes, but has not the byte {value}");
        for (int id = 0; id < vocabulary.Size; id++)
            if (vocabulary.PieceOf(id) is string piece)
                trie.Add(piece.Length > 0 ? piece : throw new ArgumentException($"the piece {id} must have a byte, but is empty"), id);
    }

    /// <inheritdoc/>
    public override int Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        for (int start = 0; start < piece.Length;)
        {
            int longest = start, found = -1;
            for (int at = start + 1, node = trie.First(piece[start]); node > 0; at++)
            {
                if (trie.IdAt(node) is int id and >= 0)
                    (longest, found) = (at, id);
                node = at < piece.Length ? trie.Next(node, piece[at]) : 0;
            }
            if (found < 0)
                return start;
            ids.Add(found);
            start = longest;
        }
        return -1;
    }

    /// <inheritdoc/>
    internal override void Locate(ReadOnlySpan<char> piece, ReadOnlySpan<int> ids, List<(int Start, int End)> ranges)
    {
        int start = 0;
        foreach (int id in ids)
        {
            int end = start + Vocabulary.PieceOf(id)!.Length;
            ranges.Add((start, end));
            start = end;
        }
    }
}
