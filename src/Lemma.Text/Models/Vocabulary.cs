namespace Lemma.Text.Models;

/// <summary>Pieces and their ids, one to one; ids may have gaps.</summary>
public sealed class Vocabulary
{
    private readonly Dictionary<string, int> ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup;
    private readonly string?[] pieces;

    /// <summary>A vocabulary of pieces with the ids 0, 1, 2, ...</summary>
    /// <exception cref="ArgumentException">A piece occurs twice.</exception>
    public Vocabulary(IReadOnlyList<string> pieces)
        : this(pieces.Select(static (piece, id) => KeyValuePair.Create(piece, id)))
    {
    }

    /// <summary>A vocabulary of pieces with given ids.</summary>
    /// <exception cref="ArgumentException">A piece or an id occurs twice, or an id is negative or far above their number.</exception>
    public Vocabulary(IEnumerable<KeyValuePair<string, int>> entries)
    {
        KeyValuePair<string, int>[] all = [.. entries];
        int largest = -1;
        ids = new Dictionary<string, int>(all.Length, StringComparer.Ordinal);
        foreach ((string piece, int id) in all)
        {
            if (id < 0 || id > MostIds(all.Length))
                throw new ArgumentException($"vocabulary: the id of '{piece}' must be in 0 to {MostIds(all.Length)}, but is {id}");
            if (!ids.TryAdd(piece, id))
                throw new ArgumentException($"vocabulary: the piece '{piece}' occurs twice, with the ids {ids[piece]} and {id}");
            largest = Math.Max(largest, id);
            LongestPiece = Math.Max(LongestPiece, piece.Length);
        }
        pieces = new string?[largest + 1];
        foreach ((string piece, int id) in all)
        {
            if (pieces[id] is string other)
                throw new ArgumentException($"vocabulary: the id {id} occurs twice, for '{other}' and '{piece}'");
            pieces[id] = piece;
        }
        lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>The number of pieces.</summary>
    public int Count => ids.Count;

    /// <summary>One more than the largest id; 0 for an empty vocabulary.</summary>
    public int Size => pieces.Length;

    /// <summary>The length of the longest piece in code units.</summary>
    internal int LongestPiece { get; }

    /// <summary>The id of a piece, or −1.</summary>
    public int IdOf(ReadOnlySpan<char> piece) => lookup.TryGetValue(piece, out int id) ? id : -1;

    /// <summary>The piece of an id, or null for an id without one.</summary>
    public string? PieceOf(int id) => (uint)id < (uint)pieces.Length ? pieces[id] : null;

    /// <summary>The largest id of a vocabulary of so many pieces: gaps are rare, and a file may not ask for memory with one.</summary>
    internal static int MostIds(int pieces) => (int)Math.Min(1 << 24, 65536L + 4L * pieces);
}
