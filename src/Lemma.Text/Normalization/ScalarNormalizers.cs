using System.Text;
using Lemma.Text.Splitting;

namespace Lemma.Text.Normalization;

/// <summary>A normalizer that looks at one Unicode scalar at a time.</summary>
public abstract class ScalarNormalizer : Normalizer
{
    private bool[]? keepsAscii;

    internal sealed override bool IsLocal => true;

    /// <inheritdoc/>
    public sealed override void Apply(AlignedText text)
    {
        ReadOnlySpan<char> source = text.Text;
        int plain = 0;
        while (plain < source.Length && source[plain] < 0x80 && KeepsAscii(source[plain]))
            plain++;
        if (plain == source.Length)
            return;
        text.BeginRewrite();
        text.Keep(0, plain);
        Span<char> characters = stackalloc char[4];
        for (int at = plain, width; at < source.Length; at += width)
        {
            int end = at;
            while (end < source.Length && source[end] < 0x80 && KeepsAscii(source[end]))
                end++;
            width = end - at;
            if (width > 0)
            {
                text.Keep(at, end);
                continue;
            }
            Rune rune = Unicode.RuneAt(source, at);
            width = rune.Utf16SequenceLength;
            text.Append(characters[..Rewrite(rune, characters)], at, at + width);
        }
        text.EndRewrite();
    }

    /// <summary>Whether an ASCII character stays as it is.</summary>
    private bool KeepsAscii(char c)
    {
        if (keepsAscii is null)
        {
            bool[] keeps = new bool[128];
            Span<char> characters = stackalloc char[4];
            for (int i = 0; i < 128; i++)
                keeps[i] = Rewrite(new Rune(i), characters) == 1 && characters[0] == i;
            keepsAscii = keeps;
        }
        return keepsAscii[c];
    }

    /// <summary>Writes what stands for a scalar, at most four code units; returns their number.</summary>
    private protected abstract int Rewrite(Rune rune, Span<char> characters);
}

/// <summary>Turns letters into lower case, each by itself, by Unicode's mapping.</summary>
public sealed class LowercaseNormalizer : ScalarNormalizer
{
    private protected override int Rewrite(Rune rune, Span<char> characters) => Lower(rune, characters);

    /// <summary>Writes the lower case of a scalar; returns the number of code units.</summary>
    internal static int Lower(Rune rune, Span<char> characters)
    {
        // The only letter whose lower case is two scalars.
        if (rune.Value != 0x130)
            return new Rune(UnicodeTables.LowerOf(rune.Value)).EncodeToUtf16(characters);
        (characters[0], characters[1]) = ('i', '\u0307');
        return 2;
    }
}

/// <summary>Takes away marks (\p{M}); a decomposition before it takes accents off letters.</summary>
public sealed class StripAccentsNormalizer : ScalarNormalizer
{
    private protected override int Rewrite(Rune rune, Span<char> characters) =>
        UnicodeTables.IsMark(rune.Value) ? 0 : rune.EncodeToUtf16(characters);
}

/// <summary>The rules of Google's translation models: controls go, every kind of space becomes a space.</summary>
public sealed class NmtNormalizer : ScalarNormalizer
{
    private protected override int Rewrite(Rune rune, Span<char> characters)
    {
        int value = rune.Value;
        if (value is (>= 1 and <= 8) or 0xB or (>= 0xE and <= 0x1F) or 0x7F or 0x8F or 0x9F)
            return 0;
        if (value is 9 or 0xA or 0xC or 0xD or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD)
            rune = new Rune(' ');
        return rune.EncodeToUtf16(characters);
    }
}

/// <summary>Takes white space away at the start and at the end.</summary>
/// <param name="stripsLeft">Whether at the start.</param>
/// <param name="stripsRight">Whether at the end.</param>
public sealed class StripNormalizer(bool stripsLeft, bool stripsRight) : Normalizer
{
    /// <summary>Whether at the start.</summary>
    public bool StripsLeft { get; } = stripsLeft;

    /// <summary>Whether at the end.</summary>
    public bool StripsRight { get; } = stripsRight;

    /// <inheritdoc/>
    public override void Apply(AlignedText text)
    {
        int start = StripsLeft ? text.Text.Length - text.Text.TrimStart().Length : 0;
        int end = StripsRight ? Math.Max(start, text.Text.TrimEnd().Length) : text.Text.Length;
        if (start == 0 && end == text.Text.Length)
            return;
        text.BeginRewrite();
        text.Keep(start, end);
        text.EndRewrite();
    }
}

/// <summary>Spells the text in the alphabet of bytes, without splitting it.</summary>
public sealed class ByteLevelNormalizer : Normalizer
{
    /// <inheritdoc/>
    public override void Apply(AlignedText text)
    {
        ReadOnlySpan<char> source = text.Text;
        text.BeginRewrite();
        for (int at = 0, width; at < source.Length; at += width)
        {
            width = char.IsHighSurrogate(source[at]) ? 2 : 1;
            text.Advance(ByteAlphabet.Spell(source.Slice(at, width), text.Reserve(3 * width)), at, at + width);
        }
        text.EndRewrite();
    }
}
