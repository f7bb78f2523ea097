using System.Numerics;
using System.Runtime.CompilerServices;
using Lemma.Text.Splitting;

namespace Lemma.Text.Models.ByteLevel;

/// <summary>The pieces that are spelled in the alphabet of bytes: their bytes one after another, and their ids by their bytes.</summary>
internal sealed class BytePieces
{
    private readonly byte[] bytes;
    private readonly int[] starts, longNumbers;

    /// <summary>The pieces of a vocabulary.</summary>
    /// <param name="vocabulary">The vocabulary; pieces with other characters are left out.</param>
    public BytePieces(Vocabulary vocabulary)
    {
        starts = new int[vocabulary.Size + 1];
        bytes = Spell(vocabulary, starts);
        (Short, longNumbers) = MakeTables(null);
    }

    private BytePieces(BytePieces all, bool[] isKept)
    {
        (bytes, starts) = (all.bytes, all.starts);
        (Short, longNumbers) = MakeTables(isKept);
    }

    /// <summary>The ids of the pieces of at most <see cref="WordKey.Longest"/> bytes.</summary>
    public WordTable Short { get; }

    /// <summary>The number of ids.</summary>
    public int Count => starts.Length - 1;

    /// <summary>The bytes of a piece; none for one that is not spelled in bytes.</summary>
    public ReadOnlySpan<byte> this[int id]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => bytes.AsSpan(starts[id], LengthOf(id));
    }

    /// <summary>The number of bytes of a piece.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LengthOf(int id) => starts[id + 1] - starts[id];

    /// <summary>The id of a piece of more than <see cref="WordKey.Longest"/> bytes, or −1.</summary>
    public int IdOfLong(ReadOnlySpan<byte> piece) => LongSlot(longNumbers, piece) - 1;

    /// <summary>The same bytes, but only some pieces are found by them.</summary>
    public BytePieces Only(bool[] isKept) => new(this, isKept);

    /// <summary>The id that some bytes of a piece have as a piece, or −1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int IdOf(int id, int start, int length) => length <= WordKey.Longest ? Short.Find(KeyOf(id, start, length))
        : IdOfLong(this[id].Slice(start, length));

    /// <summary>The key of 1 to <see cref="WordKey.Longest"/> bytes of a piece.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public WordKey KeyOf(int id, int start, int length) => WordKey.Of(ref bytes[starts[id] + start], length);

    // Sixteen bytes more, so that a key can be read at every piece.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static byte[] Spell(Vocabulary vocabulary, int[] starts)
    {
        int total = 0;
        for (int id = 0; id < vocabulary.Size; id++)
            total = checked(total + (vocabulary.PieceOf(id)?.Length ?? 0));
        byte[] bytes = new byte[checked(total + 16)];
        for (int id = 0; id < vocabulary.Size; id++)
        {
            string piece = vocabulary.PieceOf(id) ?? "";
            starts[id + 1] = starts[id] + (ByteAlphabet.TryRead(piece, bytes.AsSpan(starts[id])) ? piece.Length : 0);
        }
        return bytes;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private (WordTable Short, int[] Long) MakeTables(bool[]? isKept)
    {
        WordTable table = new(Count);
        List<int> longer = [];
        for (int id = 0; id < Count; id++)
            if (LengthOf(id) is int length and > 0 && (isKept is null || isKept[id]))
            {
                if (length <= WordKey.Longest)
                    table.Add(KeyOf(id, 0, length), id);
                else
                    longer.Add(id);
            }
        int[] numbers = new int[BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, 2L * longer.Count))];
        foreach (int id in longer)
            LongSlot(numbers, this[id]) = id + 1;
        return (table, numbers);
    }

    /// <summary>Where a table has one more than the id of a long piece, or the empty place for it.</summary>
    private ref int LongSlot(int[] numbers, ReadOnlySpan<byte> piece)
    {
        for (int at = (int)ByteLevelState.HashOf(piece) & (numbers.Length - 1); ; at = (at + 1) & (numbers.Length - 1))
            if (numbers[at] == 0 || piece.SequenceEqual(this[numbers[at] - 1]))
                return ref numbers[at];
    }
}
