using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formats;

/// <summary>Numbers between float32 in memory and the little-endian bytes of files.</summary>
internal static class FloatConversion
{
    /// <summary>The type of a name, or null where it is not read as float32.</summary>
    public static FloatType? Find(string name) => name switch
    {
        "F32" => FloatType.F32,
        "F16" => FloatType.F16,
        "BF16" => FloatType.BF16,
        _ => null,
    };

    /// <summary>The bytes of an element.</summary>
    public static int BytesOf(FloatType type) => type == FloatType.F32 ? 4 : 2;

    /// <summary>Reads as many elements as the destination holds.</summary>
    public static void Read(FloatType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        source = source[..(destination.Length * BytesOf(type))];
        if (type == FloatType.F32)
        {
            source.CopyTo(MemoryMarshal.AsBytes(destination));
            if (!BitConverter.IsLittleEndian)
                Reverse(destination);
            return;
        }
        ReadOnlySpan<ushort> halves = MemoryMarshal.Cast<byte, ushort>(source);
        int done = BitConverter.IsLittleEndian ? ReadVectors(type, halves, destination) : 0;
        for (int i = done; i < halves.Length; i++)
        {
            ushort bits = BinaryPrimitives.ReadUInt16LittleEndian(source[(2 * i)..]);
            destination[i] = type == FloatType.BF16 ? BitConverter.UInt32BitsToSingle((uint)bits << 16)
                : (float)BitConverter.UInt16BitsToHalf(bits);
        }
    }

    /// <summary>Where the bytes of a file's elements go so that <see cref="ReadInPlace"/> finds them: the end of the floats that they become.</summary>
    public static Span<byte> PlaceOf(FloatType type, Span<float> destination) =>
        MemoryMarshal.AsBytes(destination)[^(destination.Length * BytesOf(type))..];

    /// <summary>Makes floats of the bytes at their end. In rising order none is overwritten before it was read.</summary>
    public static void ReadInPlace(FloatType type, Span<float> destination)
    {
        if (type != FloatType.F32 || !BitConverter.IsLittleEndian)
            Read(type, PlaceOf(type, destination), destination);
    }

    /// <summary>Writes every element of the source, rounded to the nearest, ties to even.</summary>
    public static void Write(FloatType type, ReadOnlySpan<float> source, Span<byte> destination)
    {
        for (int i = 0; i < source.Length; i++)
        {
            if (type == FloatType.F32)
                BinaryPrimitives.WriteSingleLittleEndian(destination[(4 * i)..], source[i]);
            else
                BinaryPrimitives.WriteUInt16LittleEndian(destination[(2 * i)..],
                    type == FloatType.BF16 ? RoundToBrain(source[i]) : BitConverter.HalfToUInt16Bits((Half)source[i]));
        }
    }

    // Rounding could carry a NaN's fraction into its exponent and beyond, so a NaN only keeps its upper half, made quiet.
    private static ushort RoundToBrain(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static int ReadVectors(FloatType type, ReadOnlySpan<ushort> source, Span<float> destination)
    {
        int at = 0;
        for (; at <= source.Length - Vector256<ushort>.Count; at += Vector256<ushort>.Count)
        {
            (Vector256<uint> lower, Vector256<uint> upper) = Vector256.Widen(Vector256.Create(source[at..]));
            Span<float> place = destination[at..];
            (type == FloatType.BF16 ? (lower << 16).AsSingle() : FromHalf(lower)).CopyTo(place);
            (type == FloatType.BF16 ? (upper << 16).AsSingle() : FromHalf(upper)).CopyTo(place[Vector256<float>.Count..]);
        }
        return at;
    }

    // Exponent and fraction moved into place are the number times 2^-112, exactly, for subnormal halves as well; infinity and NaN have
    // the highest exponent in both.
    private static Vector256<float> FromHalf(Vector256<uint> half)
    {
        Vector256<uint> magnitude = (half & Vector256.Create(0x7FFFu)) << 13, sign = (half & Vector256.Create(0x8000u)) << 16;
        Vector256<uint> number = (magnitude.AsSingle() * Vector256.Create(BitConverter.UInt32BitsToSingle((127u + 112) << 23))).AsUInt32();
        Vector256<uint> isSpecial = Vector256.GreaterThanOrEqual(magnitude, Vector256.Create(0x7C00u << 13));
        return (Vector256.ConditionalSelect(isSpecial, magnitude | Vector256.Create(0x7F800000u), number) | sign).AsSingle();
    }

    private static void Reverse(Span<float> values)
    {
        Span<uint> bits = MemoryMarshal.Cast<float, uint>(values);
        BinaryPrimitives.ReverseEndianness(bits, bits);
    }
}
