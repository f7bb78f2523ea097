using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>Philox4x32-10: (key, counter) ↦ 128 random bits, the one generator of random numbers; no state but the counter.</summary>
/// <remarks>Any number can be drawn at any place in any order, so results depend neither on threads nor on what was drawn before.
/// Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".</remarks>
public readonly struct Philox
{
    private readonly uint key0, key1;
    private readonly ulong stream;

    /// <summary>A generator for a seed and a stream; streams of one seed are independent.</summary>
    public Philox(ulong seed, ulong stream = 0)
    {
        (key0, key1) = ((uint)seed, (uint)(seed >> 32));
        this.stream = stream;
    }

    private Philox(uint key0, uint key1, ulong stream) => (this.key0, this.key1, this.stream) = (key0, key1, stream);

    /// <summary>An independent generator for one use of this one, such as one layer.</summary>
    public Philox Split(ulong use)
    {
        (uint a, uint b, uint c, uint d) = Bits(use ^ 0x5851F42D4C957F2DUL);
        return new Philox(a, b, ((ulong)c << 32) | d);
    }

    /// <summary>The 128 bits at a counter.</summary>
    public (uint A, uint B, uint C, uint D) Bits(ulong counter)
    {
        uint c0 = (uint)counter, c1 = (uint)(counter >> 32), c2 = (uint)stream, c3 = (uint)(stream >> 32);
        uint k0 = key0, k1 = key1;
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = 0xD2511F53UL * c0, p1 = 0xCD9E8D57UL * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }
        return (c0, c1, c2, c3);
    }

    /// <summary>The bits at sixteen counters from one on: word A of all sixteen, then B, C and D.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal (Vector512<uint> A, Vector512<uint> B, Vector512<uint> C, Vector512<uint> D) Sixteen(ulong counter)
    {
        // A word is the low half of a lane of 64 bits, where its product has room; what the high half holds does not matter.
        Vector512<ulong> first = Vector512.Create(counter) + Vector512<ulong>.Indices, second = first + Vector512.Create(8UL);
        Vector512<ulong> a0 = first, a1 = second, b0 = first >> 32, b1 = second >> 32;
        Vector512<ulong> c0 = Vector512.Create(stream), c1 = c0, d0 = c0 >> 32, d1 = d0;
        Vector512<ulong> k0 = Vector512.Create((ulong)key0), k1 = Vector512.Create((ulong)key1);
        for (int round = 0; round < 10; round++)
        {
            Vector512<ulong> p0 = Product(a0, 0xD2511F53), q0 = Product(c0, 0xCD9E8D57), p1 = Product(a1, 0xD2511F53),
                q1 = Product(c1, 0xCD9E8D57);
            (a0, b0, c0, d0) = ((q0 >> 32) ^ b0 ^ k0, q0, (p0 >> 32) ^ d0 ^ k1, p0);
            (a1, b1, c1, d1) = ((q1 >> 32) ^ b1 ^ k0, q1, (p1 >> 32) ^ d1 ^ k1, p1);
            k0 += Vector512.Create(0x9E3779B9UL);
            k1 += Vector512.Create(0xBB67AE85UL);
        }
        return (Vector512.Narrow(a0, a1), Vector512.Narrow(b0, b1), Vector512.Narrow(c0, c1), Vector512.Narrow(d0, d1));
    }

    // The 64-bit product of the low halves of the lanes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Product(Vector512<ulong> x, uint factor)
    {
        if (Avx512F.IsSupported)
            return Avx512F.Multiply(x.AsUInt32(), Vector512.Create(factor));
        if (Avx2.IsSupported)
        {
            return Vector512.Create(Avx2.Multiply(x.GetLower().AsUInt32(), Vector256.Create(factor)),
                Avx2.Multiply(x.GetUpper().AsUInt32(), Vector256.Create(factor)));
        }
        return (x & Vector512.Create(0xFFFFFFFFUL)) * (ulong)factor;
    }

    /// <summary>64 random bits.</summary>
    public ulong UInt64(ulong counter)
    {
        (uint a, uint b, _, _) = Bits(counter);
        return ((ulong)a << 32) | b;
    }

    /// <summary>A uniform number in [0, 1) with 53 bits.</summary>
    public double Uniform(ulong counter) => (UInt64(counter) >> 11) * (1.0 / (1UL << 53));

    /// <summary>A uniform integer in [0, bound), by multiplication of 64 bits; the bias is below bound/2⁶⁴.</summary>
    public int Below(int bound, ulong counter)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        return (int)Math.BigMul(UInt64(counter), (ulong)bound, out _);
    }

    /// <summary>A standard normal number, by Box and Muller.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public double Normal(ulong counter)
    {
        (uint a, uint b, uint c, uint d) = Bits(counter);
        double u = ((((ulong)a << 32) | b) >> 11) * (1.0 / (1UL << 53)), v = ((((ulong)c << 32) | d) >> 11) * (1.0 / (1UL << 53));
        return Math.Sqrt(-2 * Math.Log(1 - u)) * Math.Cos(2 * Math.PI * v);
    }
}
