using System.Numerics;
using System.Runtime.CompilerServices;

namespace Lemma.Text.Models.ByteLevel;

/// <summary>Finds every way to cut pieces into two others: the merges of a vocabulary that lists none.</summary>
/// <remarks>Most cuts do not give two pieces. A bit for each of sixteen hashes a piece lies in the nearest cache and says so for nearly all
/// of them; what is left is looked up.</remarks>
internal sealed class AllSplits
{
    private readonly BytePieces pieces;
    private readonly ulong[] bits;
    private readonly int shift;

    private AllSplits(BytePieces pieces)
    {
        this.pieces = pieces;
        int log = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)Math.Max(64, 16L * pieces.Count)));
        (bits, shift) = (new ulong[1 << (log - 6)], 64 - log);
    }

    /// <summary>The merges, in the order of the piece that they make, then of the id on the left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static MergeList Of(Vocabulary vocabulary)
    {
        BytePieces pieces = vocabulary.Bytes;
        AllSplits splits = new(pieces);
        for (int id = 0; id < pieces.Count; id++)
            if (pieces.LengthOf(id) is > 0 and <= WordKey.Longest)
                splits.Mark(pieces.KeyOf(id, 0, pieces.LengthOf(id)));
        MergeList merges = new(vocabulary);
        for (int id = 0; id < pieces.Count; id++)
            for (int at = 1, length = pieces.LengthOf(id); at < length; at++)
                if (splits.MayBe(id, 0, at) && splits.MayBe(id, at, length - at)
                    && pieces.IdOf(id, 0, at) is int left and >= 0 && pieces.IdOf(id, at, length - at) is int right and >= 0)
                    merges.Add(new Merge(left, right, id));
        merges.SortByLeft();
        return merges;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Mark(WordKey key) => bits[key.Hash >> shift >> 6] |= 1UL << (int)(key.Hash >> shift & 63);

    /// <summary>Whether some bytes of a piece may be a piece themselves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MayBe(int id, int start, int length)
    {
        if (length > WordKey.Longest)
            return true;
        ulong place = pieces.KeyOf(id, start, length).Hash >> shift;
        return (bits[place >> 6] >> (int)(place & 63) & 1) != 0;
    }
}
