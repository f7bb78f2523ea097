namespace Lemma.Text.Models;

/// <summary>Remembers the ids of pieces: a table of fixed size in which a newer piece takes the place of an older one.</summary>
/// <remarks>Thread-safe without locks: a slot holds an immutable entry, which is read and written as one reference.</remarks>
internal sealed class PieceCache
{
    /// <summary>Longer pieces seldom come again.</summary>
    public const int LongestPiece = 64;
    private const int Slots = 1 << 15;
    private readonly Entry?[] entries = new Entry?[Slots];

    private sealed record Entry(uint Hash, string Piece, int[] Ids);

    /// <summary>The place of a piece in the table.</summary>
    public static uint HashOf(ReadOnlySpan<char> piece)
    {
        ulong hash = 0xCBF29CE484222325UL;
        foreach (char c in piece)
            hash = (hash ^ c) * 0x100000001B3UL;
        return (uint)((hash * 0x9E3779B97F4A7C15UL) >> 32);
    }

    /// <summary>Appends the remembered ids of a piece; false when it is not remembered.</summary>
    public bool TryAppend(ReadOnlySpan<char> piece, uint hash, List<int> ids)
    {
        Entry? entry = entries[hash & (Slots - 1)];
        if (entry is null || entry.Hash != hash || !piece.SequenceEqual(entry.Piece))
            return false;
        if (entry.Ids.Length == 1)
            ids.Add(entry.Ids[0]);
        else
            ids.AddRange(entry.Ids);
        return true;
    }

    /// <summary>Remembers the ids of a piece.</summary>
    public void Remember(ReadOnlySpan<char> piece, uint hash, ReadOnlySpan<int> ids) =>
        entries[hash & (Slots - 1)] = new Entry(hash, piece.ToString(), ids.ToArray());
}
