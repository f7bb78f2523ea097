using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>How the whole numbers of 32 columns of a panel are read out of their place, drawn at <see cref="QuantizedLayout"/>.</summary>
internal unsafe interface IPackedNumbers
{
    /// <summary>Bits of a number.</summary>
    static abstract int Bits { get; }

    /// <summary>Four columns of eight rows, a byte each.</summary>
    /// <param name="block">The place of the 32 columns; 32 bytes further for the other eight rows.</param>
    /// <param name="group">Which four columns: 0 to 7, a constant, so that shifts by what is computed of it have their count in the instruction.</param>
    static abstract Vector256<byte> Group(byte* block, int group);
}

/// <summary>Numbers that are bytes already, or were unpacked into bytes.</summary>
internal readonly unsafe struct EightBits : IPackedNumbers
{
    public static int Bits => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Group(byte* block, int group) => Vector256.Load(block + group * 64);
}

/// <summary>Group j with j + 4 above it.</summary>
internal readonly unsafe struct FourBits : IPackedNumbers
{
    public static int Bits => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Group(byte* block, int group) => Part.Of(block + group % 4 * 64, -(group / 4 * 4), 15);
}

/// <summary>Four bits, then the fifth of all groups.</summary>
internal readonly unsafe struct FiveBits : IPackedNumbers
{
    public static int Bits => 5;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Group(byte* block, int group) => FourBits.Group(block, group) | Part.Of(block + 4 * 64, 4 - group, 16);
}

/// <summary>Four bits, then two more.</summary>
internal readonly unsafe struct SixBits : IPackedNumbers
{
    public static int Bits => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Group(byte* block, int group) =>
        FourBits.Group(block, group) | Part.Of(block + (4 + group / 4) * 64, 4 - group % 4 * 2, 48);
}

/// <summary>Four groups above each other, then four more.</summary>
internal readonly unsafe struct TwoBits : IPackedNumbers
{
    public static int Bits => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Group(byte* block, int group) => Part.Of(block + group / 4 * 64, -(group % 4 * 2), 3);
}

/// <summary>Two bits, then the third of all groups.</summary>
internal readonly unsafe struct ThreeBits : IPackedNumbers
{
    public static int Bits => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Group(byte* block, int group) => TwoBits.Group(block, group) | Part.Of(block + 2 * 64, 2 - group, 4);
}

/// <summary>Some bits of each byte.</summary>
internal static unsafe class Part
{
    /// <summary>Bytes moved left, or right where it is negative, of which those of a mask stay.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Of(byte* at, int left, byte mask)
    {
        // As words: what crosses from one byte into the other is not in the mask.
        Vector256<ushort> words = Vector256.Load(at).AsUInt16();
        return (left > 0 ? words << left : left < 0 ? words >>> -left : words).AsByte() & Vector256.Create(mask);
    }
}
