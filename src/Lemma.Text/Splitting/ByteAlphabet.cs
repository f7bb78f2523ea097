using System.Runtime.CompilerServices;
using System.Text;

namespace Lemma.Text.Splitting;

/// <summary>GPT-2's alphabet of bytes: a printable character for each of the 256 bytes, so any text is spelled without spaces.</summary>
/// <remarks>Bytes that print in Latin-1 (33 to 126, 161 to 172, 174 to 255) are themselves;
/// the 68 others, in order, are U+0100 and up.</remarks>
public static class ByteAlphabet
{
    private static readonly char[] CharacterOfByte = MakeCharacters();
    private static readonly short[] ByteOfCharacter = MakeBytes();

    /// <summary>The character of a byte.</summary>
    public static char ToCharacter(byte value) => CharacterOfByte[value];

    /// <summary>The byte of a character, or −1 for a character outside the alphabet.</summary>
    public static int ToByte(char character) => character < ByteOfCharacter.Length ? ByteOfCharacter[character] : -1;

    /// <summary>The 256 characters in ascending order of code point.</summary>
    public static char[] Sorted()
    {
        char[] sorted = (char[])CharacterOfByte.Clone();
        Array.Sort(sorted);
        return sorted;
    }

    /// <summary>The bytes of a piece, or null where it has a character outside the alphabet.</summary>
    public static byte[]? TryRead(ReadOnlySpan<char> piece)
    {
        byte[] bytes = new byte[piece.Length];
        return TryRead(piece, bytes) ? bytes : null;
    }

    /// <summary>Writes the bytes of a piece; false where it has a character outside the alphabet.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static bool TryRead(ReadOnlySpan<char> piece, Span<byte> bytes)
    {
        for (int i = 0; i < piece.Length; i++)
        {
            int value = ToByte(piece[i]);
            if (value < 0)
                return false;
            bytes[i] = (byte)value;
        }
        return true;
    }

    /// <summary>The piece of bytes: a character for each.</summary>
    public static string Spell(ReadOnlySpan<byte> bytes) => string.Create(bytes.Length, bytes, static (piece, bytes) =>
    {
        for (int i = 0; i < bytes.Length; i++)
            piece[i] = ToCharacter(bytes[i]);
    });

    /// <summary>Spells well-formed text: one character a byte of its UTF-8 form.</summary>
    /// <param name="text">Well-formed UTF-16.</param>
    /// <param name="spelling">At least three characters for each of the text.</param>
    /// <returns>The number of characters written.</returns>
    public static int Spell(ReadOnlySpan<char> text, Span<char> spelling)
    {
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c < 0x80)
                spelling[length++] = CharacterOfByte[c];
            else if (c < 0x800)
                length = Put(spelling, length, 0xC0 | (c >> 6), 0x80 | (c & 0x3F));
            else if (!char.IsHighSurrogate(c))
                length = Put(spelling, Put(spelling, length, 0xE0 | (c >> 12), 0x80 | ((c >> 6) & 0x3F)), 0x80 | (c & 0x3F));
            else
            {
                int scalar = new Rune(c, text[++i]).Value;
                length = Put(spelling, length, 0xF0 | (scalar >> 18), 0x80 | ((scalar >> 12) & 0x3F));
                length = Put(spelling, length, 0x80 | ((scalar >> 6) & 0x3F), 0x80 | (scalar & 0x3F));
            }
        }
        return length;
    }

    private static int Put(Span<char> spelling, int length, int first, int second) =>
        Put(spelling, Put(spelling, length, first), second);

    private static int Put(Span<char> spelling, int length, int value)
    {
        spelling[length] = CharacterOfByte[value];
        return length + 1;
    }

    private static char[] MakeCharacters()
    {
        char[] characters = new char[256];
        char next = '\u0100';
        for (int b = 0; b < 256; b++)
            characters[b] = b is (>= 33 and <= 126) or (>= 161 and <= 172) or >= 174 ? (char)b : next++;
        return characters;
    }

    private static short[] MakeBytes()
    {
        short[] bytes = new short[0x100 + 68];
        Array.Fill(bytes, (short)-1);
        for (int b = 0; b < 256; b++)
            bytes[CharacterOfByte[b]] = (short)b;
        return bytes;
    }
}
