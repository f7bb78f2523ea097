using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Text.Models.ByteLevel;

/// <summary>A word of 1 to 15 bytes as two numbers: the bytes in little-endian order, the length in the last byte.</summary>
internal readonly record struct WordKey(ulong Low, ulong High)
{
    /// <summary>The most bytes of a word.</summary>
    public const int Longest = 15;

    /// <summary>A hash; its upper bits are the better ones.</summary>
    public ulong Hash
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (Low * HashKeys.First) ^ (High * HashKeys.Second);
    }

    private static readonly ushort[] Masks = MakeMasks();

    /// <summary>The key of bytes, 1 to 15.</summary>
    public static WordKey Of(ReadOnlySpan<byte> word)
    {
        Span<byte> padded = stackalloc byte[16];
        padded.Clear();
        word.CopyTo(padded);
        padded[15] = (byte)word.Length;
        return new WordKey(MemoryMarshal.Read<ulong>(padded), MemoryMarshal.Read<ulong>(padded[8..]));
    }

    /// <summary>The key of bytes.</summary>
    /// <param name="first">The first of 16 bytes that can be read, even if the word has fewer.</param>
    /// <param name="length">1 to 15.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordKey Of(ref byte first, int length)
    {
        ulong low = Unsafe.ReadUnaligned<ulong>(ref first), high = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, 8));
        return length < 8 ? new WordKey(low & ((1UL << (8 * length)) - 1), (ulong)length << 56)
            : new WordKey(low, (high & ((1UL << (8 * (length - 8))) - 1)) | ((ulong)length << 56));
    }

    /// <summary>The key of a word of ASCII characters; false when one is not ASCII.</summary>
    /// <param name="word">The first of 16 characters that can be read, even if the word has fewer.</param>
    /// <param name="length">1 to 15.</param>
    /// <param name="key">The key.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryOfAscii(ref char word, int length, out WordKey key)
    {
        Vector256<ushort> characters = Vector256.LoadUnsafe(ref Unsafe.As<char, ushort>(ref word))
            & Vector256.LoadUnsafe(ref MemoryMarshal.GetArrayDataReference(Masks), (nuint)(16 - length));
        if ((characters & Vector256.Create((ushort)0xFF80)) != Vector256<ushort>.Zero)
        {
            key = default;
            return false;
        }
        Vector128<ulong> bytes = Vector128.Narrow(characters.GetLower(), characters.GetUpper()).AsUInt64();
        key = new WordKey(bytes.ToScalar(), bytes.GetElement(1) | ((ulong)length << 56));
        return true;
    }

    private static ushort[] MakeMasks()
    {
        ushort[] masks = new ushort[32];
        masks.AsSpan(0, 16).Fill(ushort.MaxValue);
        return masks;
    }
}
