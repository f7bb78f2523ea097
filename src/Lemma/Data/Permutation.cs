using System.Numerics;
using Lemma.Formulas;

namespace Lemma.Data;

/// <summary>A random order of 0 … count − 1 that is computed at any place, without a table.</summary>
/// <remarks>
/// A Feistel network over the smallest even number of bits that holds the count, with Philox as its round function, is a permutation of
/// a power of four; values outside the count are sent through it again until they fall inside (cycle walking), which keeps it a permutation.
/// Black and Rogaway 2002, "Ciphers with arbitrary finite domains".
/// </remarks>
public readonly struct Permutation
{
    private const int Rounds = 8;
    private readonly Philox random;
    private readonly int halfBits;

    /// <summary>The order of a seed and a number, such as the epoch's.</summary>
    public Permutation(long count, ulong seed, ulong number)
    {
        Require.That(count > 0, $"permutation: the count must be positive, but it is {count}");
        Count = count;
        random = new Philox(seed, number);
        int bits = 64 - BitOperations.LeadingZeroCount((ulong)(count - 1));
        halfBits = Math.Max(1, (bits + 1) / 2);
    }

    /// <summary>How many places there are.</summary>
    public long Count { get; }

    /// <summary>The value at a place.</summary>
    public long this[long place]
    {
        get
        {
            Require.That(place >= 0 && place < Count, $"permutation: place {place} does not exist among {Count}");
            ulong value = (ulong)place;
            do
                value = Encrypt(value);
            while (value >= (ulong)Count);
            return (long)value;
        }
    }

    private ulong Encrypt(ulong value)
    {
        ulong mask = (1UL << halfBits) - 1, left = value >> halfBits, right = value & mask;
        for (ulong round = 0; round < Rounds; round++)
            (left, right) = (right, left ^ (random.UInt64((round << 32) | right) & mask));
        return (left << halfBits) | right;
    }
}
