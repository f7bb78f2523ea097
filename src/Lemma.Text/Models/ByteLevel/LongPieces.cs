using System.Numerics;

namespace Lemma.Text.Models.ByteLevel;

/// <summary>The pieces that are too long for a <see cref="WordKey"/>, by their bytes: a hash table of ids.</summary>
internal sealed class LongPieces
{
    private readonly PieceBytes pieces;
    private readonly int[] numbers;

    /// <summary>A table of some of the pieces.</summary>
    public LongPieces(PieceBytes pieces, List<int> ids)
    {
        this.pieces = pieces;
        numbers = new int[BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, 2L * ids.Count))];
        foreach (int id in ids)
            Find(pieces[id]) = id + 1;
    }

    /// <summary>The id of a piece, or −1.</summary>
    public int IdOf(ReadOnlySpan<byte> word) => Find(word) - 1;

    private ref int Find(ReadOnlySpan<byte> word)
    {
        for (int at = (int)ByteLevelState.HashOf(word) & (numbers.Length - 1); ; at = (at + 1) & (numbers.Length - 1))
            if (numbers[at] == 0 || word.SequenceEqual(pieces[numbers[at] - 1]))
                return ref numbers[at];
    }
}
