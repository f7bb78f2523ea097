using System.Buffers;
using System.Text;

namespace Lemma.Text;

/// <summary>Well-formed UTF-16.</summary>
internal static class Unicode
{
    /// <summary>Copies text; every lone surrogate becomes U+FFFD, so the length stays.</summary>
    public static void CopyWellFormed(ReadOnlySpan<char> source, Span<char> destination)
    {
        source.CopyTo(destination);
        for (int i = 0; i < source.Length;)
        {
            int surrogate = source[i..].IndexOfAnyInRange('\ud800', '\udfff');
            if (surrogate < 0)
                return;
            i += surrogate;
            bool whole = Rune.DecodeFromUtf16(source[i..], out _, out int consumed) == OperationStatus.Done;
            if (!whole)
                destination[i] = '\ufffd';
            i += consumed;
        }
    }

    /// <summary>The text itself where it is well-formed, otherwise a copy with U+FFFD for every lone surrogate.</summary>
    public static string WellFormed(ReadOnlySpan<char> text) =>
        string.Create(text.Length, text, static (copy, source) => CopyWellFormed(source, copy));

    /// <summary>The scalar at an index of well-formed text.</summary>
    public static Rune RuneAt(ReadOnlySpan<char> text, int index)
    {
        char c = text[index];
        return char.IsHighSurrogate(c) ? new Rune(c, text[index + 1]) : new Rune(c);
    }

    /// <summary>A character for an error message: itself where it can be seen, and its code point.</summary>
    public static string Describe(Rune rune) =>
        Rune.IsControl(rune) || Rune.IsWhiteSpace(rune) ? $"U+{rune.Value:X4}" : $"'{rune}' (U+{rune.Value:X4})";
}
