using System.Numerics;

namespace Lemma.Decoding.Constraints;

/// <summary>The ids that may follow in a state: a bit an id, or a list where they are few.</summary>
internal sealed class TokenMask
{
    private readonly ulong[]? bits;
    private readonly int[]? ids;

    /// <summary>A mask of bits, which it keeps where they are many.</summary>
    public TokenMask(ulong[] all)
    {
        foreach (ulong word in all)
            Count += BitOperations.PopCount(word);
        if (Count >= all.Length)
        {
            bits = all;
            return;
        }
        ids = new int[Count];
        for (int word = 0, at = 0; word < all.Length; word++)
            for (ulong left = all[word]; left != 0; left &= left - 1)
                ids[at++] = (word << 6) + BitOperations.TrailingZeroCount(left);
    }

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>Bytes that it takes.</summary>
    public long Bytes => 64 + (8L * (bits?.Length ?? 0)) + (4L * (ids?.Length ?? 0));

    /// <summary>Whether an id is among them.</summary>
    public bool Contains(int id) => bits is not null ? (uint)id < (uint)bits.Length * 64 && (bits[id >> 6] >> (id & 63) & 1) != 0
        : Array.BinarySearch(ids!, id) >= 0;

    /// <summary>Forgets all other candidates; none may be left.</summary>
    public void Keep(Candidates candidates)
    {
        if (bits is not null)
            candidates.KeepIn(bits);
        else
            candidates.KeepOnly(ids);
    }
}
