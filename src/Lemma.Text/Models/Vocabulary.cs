using System.Numerics;
using System.Runtime.CompilerServices;
using Lemma.Text.Models.ByteLevel;

namespace Lemma.Text.Models;

/// <summary>Pieces and their ids, one to one; ids may have gaps.</summary>
public sealed class Vocabulary
{
    private readonly string?[] pieces;
    private readonly Slot[] slots;
    private BytePieces? bytes;

    // The hash is the runtime's, with a random seed, so a file cannot choose pieces that collide.
    private struct Slot
    {
        public int Hash, Number;
    }

    /// <summary>A vocabulary of pieces with the ids 0, 1, 2, ...</summary>
    /// <exception cref="ArgumentException">A piece occurs twice.</exception>
    public Vocabulary(IReadOnlyList<string> pieces)
        : this([.. pieces], null)
    {
    }

    /// <summary>A vocabulary of pieces with given ids.</summary>
    /// <exception cref="ArgumentException">A piece or an id occurs twice, or an id is negative or far above their number.</exception>
    public Vocabulary(IEnumerable<KeyValuePair<string, int>> entries)
        : this([.. entries.Select(static entry => entry.Key)], [.. entries.Select(static entry => entry.Value)])
    {
    }

    /// <summary>A vocabulary of pieces with the ids at their places in another list; null for 0, 1, 2, ...</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal Vocabulary(string[] names, int[]? ids)
    {
        int largest = -1, most = MostIds(names.Length);
        for (int i = 0; i < names.Length; i++)
        {
            int id = ids is null ? i : ids[i];
            if (id < 0 || (ids is not null && id > most))
                throw new ArgumentException($"vocabulary: the id of '{names[i]}' must be in 0 to {most}, but is {id}");
            largest = Math.Max(largest, id);
        }
        Count = names.Length;
        pieces = new string?[largest + 1];
        slots = new Slot[BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, 2L * names.Length))];
        for (int i = 0; i < names.Length; i++)
        {
            string piece = names[i];
            int id = ids is null ? i : ids[i];
            ref Slot slot = ref Find(piece, out int hash);
            if (slot.Number != 0)
                throw new ArgumentException($"vocabulary: the piece '{piece}' occurs twice, with the ids {slot.Number - 1} and {id}");
            if (pieces[id] is string other)
                throw new ArgumentException($"vocabulary: the id {id} occurs twice, for '{other}' and '{piece}'");
            (slot.Hash, slot.Number, pieces[id]) = (hash, id + 1, piece);
            LongestPiece = Math.Max(LongestPiece, piece.Length);
        }
    }

    /// <summary>The number of pieces.</summary>
    public int Count { get; }

    /// <summary>One more than the largest id; 0 for an empty vocabulary.</summary>
    public int Size => pieces.Length;

    /// <summary>The length of the longest piece in code units.</summary>
    internal int LongestPiece { get; }

    /// <summary>The pieces by their bytes; made when first asked for.</summary>
    internal BytePieces Bytes => bytes ?? Interlocked.CompareExchange(ref bytes, new BytePieces(this), null) ?? bytes;

    /// <summary>The id of a piece, or −1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int IdOf(ReadOnlySpan<char> piece) => Find(piece, out _).Number - 1;

    /// <summary>The piece of an id, or null for an id without one.</summary>
    public string? PieceOf(int id) => (uint)id < (uint)pieces.Length ? pieces[id] : null;

    /// <summary>The largest id of a vocabulary of so many pieces: gaps are rare, and a file may not ask for memory with one.</summary>
    internal static int MostIds(int pieces) => (int)Math.Min(1 << 24, 65536L + 4L * pieces);

    /// <summary>The slot of a piece, or the empty one that it would take.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Slot Find(ReadOnlySpan<char> piece, out int hash)
    {
        hash = string.GetHashCode(piece);
        for (int at = hash & (slots.Length - 1); ; at = (at + 1) & (slots.Length - 1))
        {
            ref Slot slot = ref slots[at];
            if (slot.Number == 0 || (slot.Hash == hash && piece.SequenceEqual(pieces[slot.Number - 1])))
                return ref slot;
        }
    }
}
