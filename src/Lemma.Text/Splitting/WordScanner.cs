using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Text.Splitting;

/// <summary>A hand-written scanner of one pattern, as a type, so that loops over words are compiled for each.</summary>
internal interface IWordScanner
{
    /// <summary>The end of the word that starts at an index; a lone surrogate counts as U+FFFD.</summary>
    static abstract int EndOfNext(ReadOnlySpan<char> text, int start);
}

/// <summary>What the scanners of words share.</summary>
internal static class WordScanner
{
    /// <summary>The end of the run of letters from an index; sixteen ASCII letters at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int EndOfLetters(ReadOnlySpan<char> text, int at)
    {
        if (text.Length - at >= Vector256<ushort>.Count)
        {
            ref ushort first = ref Unsafe.As<char, ushort>(ref Unsafe.Add(ref MemoryMarshal.GetReference(text), at));
            Vector256<ushort> lower = Vector256.LoadUnsafe(ref first) | Vector256.Create((ushort)0x20);
            Vector256<ushort> isLetter = Vector256.LessThan(lower - Vector256.Create((ushort)'a'), Vector256.Create((ushort)26));
            int letters = BitOperations.TrailingZeroCount(~isLetter.ExtractMostSignificantBits());
            at += Math.Min(letters, Vector256<ushort>.Count);
            if (letters < Vector256<ushort>.Count && text[at] < 0x80)
                return at;
        }
        return CharacterClasses.EndOfRun(text, at, CharacterClass.Letter);
    }

    /// <summary>The length of 's, 'd, 'm, 't, 'll, 've or 're after the apostrophe at an index, or 0.</summary>
    public static int Contraction(ReadOnlySpan<char> text, int apostrophe, bool ignoresCase)
    {
        if (apostrophe + 1 >= text.Length || text[apostrophe] != '\'')
            return 0;
        char first = Folded(text[apostrophe + 1], ignoresCase);
        if (first is 's' or 'd' or 'm' or 't')
            return 2;
        if (apostrophe + 2 >= text.Length)
            return 0;
        return (first, Folded(text[apostrophe + 2], ignoresCase)) is ('l', 'l') or ('v', 'e') or ('r', 'e') ? 3 : 0;
    }

    /// <summary>\s+(?!\S)|\s+ : the run of white space; before a word its last character is left over, unless it is the only one.</summary>
    public static int EndOfSpace(ReadOnlySpan<char> text, int start)
    {
        int end = CharacterClasses.EndOfRun(text, start, CharacterClass.Space);
        return end == text.Length || end == start + 1 ? end : end - 1;
    }

    /// <summary>\s*[\r\n]+|\s+(?!\S)|\s+ : up to the last line break of the run, or as <see cref="EndOfSpace"/>.</summary>
    public static int EndOfLines(ReadOnlySpan<char> text, int start)
    {
        int end = CharacterClasses.EndOfRun(text, start, CharacterClass.Space);
        int line = text[start..end].LastIndexOfAny('\r', '\n');
        if (line >= 0)
            return start + line + 1;
        return end == text.Length || end == start + 1 ? end : end - 1;
    }

    // The long s is an s when case is ignored; no other letter of the contractions has a third form.
    private static char Folded(char c, bool ignoresCase)
    {
        if (!ignoresCase)
            return c;
        return c == '\u017f' ? 's' : c is >= 'A' and <= 'Z' ? (char)(c | 0x20) : c;
    }
}
