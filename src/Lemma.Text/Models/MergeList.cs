using System.Collections;
using System.Runtime.CompilerServices;

namespace Lemma.Text.Models;

/// <summary>A merge: two ids and the id that they become.</summary>
internal readonly record struct Merge(int Left, int Right, int Merged);

/// <summary>The merges of a vocabulary, the first learned first: kept as ids, read as pieces.</summary>
/// <param name="vocabulary">Where the pieces are.</param>
/// <param name="continuingPrefix">What a piece on the right starts with, and loses when it is merged; may be empty.</param>
internal sealed class MergeList(Vocabulary vocabulary, string continuingPrefix = "") : IReadOnlyList<(string Left, string Right)>
{
    private Merge[] merges = new Merge[256];
    private char[] joined = new char[256];

    /// <summary>The merges given as pieces.</summary>
    /// <exception cref="ArgumentException">A merge names a piece that the vocabulary lacks, or makes one that it lacks.</exception>
    public static MergeList Of(Vocabulary vocabulary, IReadOnlyList<(string Left, string Right)> merges, string continuingPrefix)
    {
        if (merges is MergeList known && known.IsOf(vocabulary, continuingPrefix))
            return known;
        MergeList list = new(vocabulary, continuingPrefix);
        foreach ((string left, string right) in merges)
            list.Add(left, right);
        return list;
    }

    /// <inheritdoc/>
    public int Count { get; private set; }

    /// <summary>The merges as ids.</summary>
    public ReadOnlySpan<Merge> Ids => merges.AsSpan(0, Count);

    /// <inheritdoc/>
    public (string Left, string Right) this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            return (vocabulary.PieceOf(merges[index].Left)!, vocabulary.PieceOf(merges[index].Right)!);
        }
    }

    /// <summary>Adds a merge of two pieces.</summary>
    /// <exception cref="ArgumentException">The vocabulary lacks a piece, or that which they make.</exception>
    public void Add(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        ReadOnlySpan<char> tail = right.StartsWith(continuingPrefix, StringComparison.Ordinal) ? right[continuingPrefix.Length..] : right;
        int length = left.Length + tail.Length;
        if (joined.Length < length)
            joined = new char[2 * length];
        left.CopyTo(joined);
        tail.CopyTo(joined.AsSpan(left.Length));
        Add(new Merge(IdIn(left, "names"), IdIn(right, "names"), IdIn(joined.AsSpan(0, length), "makes")));
    }

    /// <summary>Adds a merge.</summary>
    public void Add(Merge merge)
    {
        if (Count == merges.Length)
            Array.Resize(ref merges, 2 * Count);
        merges[Count++] = merge;
    }

    /// <summary>Adds every split of a piece into two pieces.</summary>
    /// <param name="id">The piece.</param>
    /// <param name="isPart">Whether an id may be one of the two.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void AddSplits(int id, Func<int, bool> isPart)
    {
        ReadOnlySpan<char> piece = vocabulary.PieceOf(id);
        for (int i = 1; i < piece.Length; i++)
            if (vocabulary.IdOf(piece[..i]) is int left and >= 0 && vocabulary.IdOf(piece[i..]) is int right and >= 0
                && isPart(left) && isPart(right))
                Add(new Merge(left, right, id));
    }

    /// <summary>Sorts neighbouring merges that make the same piece by the id on the left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void SortByLeft()
    {
        for (int i = 1; i < Count; i++)
            for (int k = i; k > 0 && merges[k].Merged == merges[k - 1].Merged && merges[k].Left < merges[k - 1].Left; k--)
                (merges[k], merges[k - 1]) = (merges[k - 1], merges[k]);
    }

    /// <inheritdoc/>
    public IEnumerator<(string Left, string Right)> GetEnumerator()
    {
        for (int i = 0; i < Count; i++)
            yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private bool IsOf(Vocabulary other, string prefix) => vocabulary == other && continuingPrefix == prefix;

    private int IdIn(ReadOnlySpan<char> piece, string verb)
    {
        int id = vocabulary.IdOf(piece);
        return id >= 0 ? id : throw new ArgumentException($"merge {Count} {verb} the unknown piece '{piece}'");
    }
}
