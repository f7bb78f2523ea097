using System.Runtime.CompilerServices;

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
