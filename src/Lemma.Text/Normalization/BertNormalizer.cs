using System.Text;

namespace Lemma.Text.Normalization;

/// <summary>BERT's rules: controls go and white space becomes spaces, CJK characters stand alone, accents go, lower case.</summary>
/// <param name="cleansText">Whether controls go and white space becomes spaces.</param>
/// <param name="separatesChinese">Whether spaces are put around CJK characters.</param>
/// <param name="stripsAccents">Whether text is decomposed and its nonspacing marks go; null for when letters are turned lower case.</param>
/// <param name="lowercases">Whether letters are turned into lower case.</param>
public sealed class BertNormalizer(
    bool cleansText = true, bool separatesChinese = true, bool? stripsAccents = null, bool lowercases = true) : Normalizer
{
    private static readonly UnicodeFormNormalizer Decomposing = new(UnicodeForm.Nfd);
    private static readonly LowercaseNormalizer Lowercasing = new();
    private static readonly MarkStripper Stripping = new();
    private readonly Cleaner cleaner = new(cleansText, separatesChinese);

    /// <summary>Whether controls go and white space becomes spaces.</summary>
    public bool CleansText { get; } = cleansText;

    /// <summary>Whether spaces are put around CJK characters.</summary>
    public bool SeparatesChinese { get; } = separatesChinese;

    /// <summary>Whether text is decomposed and its nonspacing marks go; null for when letters are turned lower case.</summary>
    public bool? StripsAccents { get; } = stripsAccents;

    /// <summary>Whether letters are turned into lower case.</summary>
    public bool Lowercases { get; } = lowercases;

    internal override bool IsLocal => true;

    /// <inheritdoc/>
    public override void Apply(AlignedText text)
    {
        cleaner.Apply(text);
        if (StripsAccents ?? Lowercases)
        {
            Decomposing.Apply(text);
            Stripping.Apply(text);
        }
        if (Lowercases)
            Lowercasing.Apply(text);
    }

    private sealed class Cleaner(bool cleans, bool separates) : ScalarNormalizer
    {
        private protected override int Rewrite(Rune rune, Span<char> characters)
        {
            if (cleans && UnicodeTables.IsControl(rune.Value))
                return 0;
            if (cleans && (rune.Value is '\t' or '\n' or '\r' || Rune.IsWhiteSpace(rune)))
                rune = new Rune(' ');
            if (!separates || !IsChinese(rune.Value))
                return rune.EncodeToUtf16(characters);
            int width = rune.EncodeToUtf16(characters[1..]);
            (characters[0], characters[width + 1]) = (' ', ' ');
            return width + 2;
        }

        private static bool IsChinese(int scalar) => scalar is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF)
            or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF)
            or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
    }

    private sealed class MarkStripper : ScalarNormalizer
    {
        private protected override int Rewrite(Rune rune, Span<char> characters) =>
            UnicodeTables.IsNonspacingMark(rune.Value) ? 0 : rune.EncodeToUtf16(characters);
    }
}
