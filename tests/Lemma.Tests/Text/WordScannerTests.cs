using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using CsCheck;
using Lemma.Text.Splitting;

namespace Lemma.Tests.Text;

/// <summary>The hand-written scanners beside the regular expressions that they stand for.</summary>
public sealed class WordScannerTests
{
    private static readonly string[] Parts =
    [
        " ", "  ", "\n", "\t", "\r\n", "\r", "\u00a0", "\u3000", "\u2028", "a", "Z", "abcdefghijklmnopqrstu", "ABC", "é", "É", "ß", "Ж", "ж",
        "ǅ", "ʰ", "中", "ก", "0", "9", "12", "½", "Ⅷ", "٣", "_", "-", "!", "/", "//\n", "'", "'s", "'T", "'ll", "'VE", "'re", "'D", "'m",
        "'l", "'\u017f", "ll", "s", "\u0301", "\u200d", "€", "\ufffd", "\u0000",
    ];

    private static readonly Gen<string> Texts = Gen.OneOf(Parts).Array[0, 40].Select(string.Concat);
    private static readonly Gen<string> AllPlanes = Gen.OneOf(Gen.OneOf([.. Parts, "𝒜", "𐍈", "😀", "𝟙", "𠀀", "𐐀", "𐐨"]), Gen.Int[0, 0x10FFFF]
        .Select(scalar => Rune.IsValid(scalar) ? new Rune(scalar).ToString() : "x")).Array[0, 40].Select(string.Concat);

    public static TheoryData<WordPattern> Patterns => [WordPattern.Gpt2, WordPattern.Cl100k, WordPattern.Qwen, WordPattern.O200k];

    [Theory, MemberData(nameof(Patterns))]
    public void Equal_the_regular_expression_in_the_basic_plane(WordPattern pattern)
    {
        Regex regex = RegexOf(WordPatterns.TextOf(pattern));
        Texts.Sample(text => Assert.Equal(regex.Matches(text).Select(match => match.Value), Split(pattern, text)), iter: 20_000);
    }

    /// <summary>Every scalar becomes a character of the basic plane of the same class, so the regular expression can be asked.</summary>
    [Theory, MemberData(nameof(Patterns))]
    public void See_scalars_in_all_planes(WordPattern pattern)
    {
        Regex regex = RegexOf(WordPatterns.TextOf(pattern));
        AllPlanes.Sample(text =>
        {
            Rune[] runes = [.. text.EnumerateRunes()];
            string stand = string.Concat(runes.Select(StandIn));
            List<string> expected = [];
            foreach (Match match in regex.Matches(stand))
                expected.Add(string.Concat(runes.Skip(match.Index).Take(match.Length)));
            Assert.Equal(expected, Split(pattern, text));
        }, iter: 20_000);
    }

    public static TheoryData<string, WordPattern> Golden => new()
    {
        { "p50k_base", WordPattern.Gpt2 }, { "llama3", WordPattern.Cl100k }, { "qwen", WordPattern.Qwen }, { "o200k_base", WordPattern.O200k },
    };

    /// <summary>Where Hugging Face tokenizers and Python's regex cut (bench/tokenizers/make_splits.py).</summary>
    [Theory, MemberData(nameof(Golden))]
    public void Texts_are_cut_as_the_peers_cut_them(string name, WordPattern known)
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "splits.json")));
        JsonElement set = golden.RootElement.EnumerateArray().Single(set => set.GetProperty("name").GetString() == name);
        Assert.Equal(known, WordPatterns.Recognize(set.GetProperty("pattern").GetString()!));
        Assert.True(set.GetProperty("cases").GetArrayLength() > 400);
        foreach (JsonElement item in set.GetProperty("cases").EnumerateArray())
            Assert.Equal(item.GetProperty("pieces").EnumerateArray().Select(piece => piece.GetString()!), Split(known, item.GetProperty("text").GetString()!));
    }

    [Fact]
    public void Known_expressions_are_recognized()
    {
        Assert.All(Patterns, pattern => Assert.Equal(pattern.Data, WordPatterns.Recognize(WordPatterns.TextOf(pattern.Data))));
        Assert.Equal(WordPattern.Gpt2,
            WordPatterns.Recognize(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"));
        Assert.Null(WordPatterns.Recognize(@"\w+"));
    }

    [Theory]
    [InlineData(SplitBehavior.Removed, false, "the|final|countdown")]
    [InlineData(SplitBehavior.Isolated, false, "the|-|final|-|-|countdown")]
    [InlineData(SplitBehavior.MergedWithPrevious, false, "the-|final-|-|countdown")]
    [InlineData(SplitBehavior.MergedWithNext, false, "the|-final|-|-countdown")]
    [InlineData(SplitBehavior.Contiguous, false, "the|-|final|--|countdown")]
    [InlineData(SplitBehavior.Removed, true, "-|-|-")]
    public void Matches_are_treated_as_the_peer_treats_them(SplitBehavior behavior, bool inverts, string pieces)
    {
        foreach (PatternSplitter splitter in
                 (PatternSplitter[])[PatternSplitter.OfText("-", behavior, inverts), PatternSplitter.OfRegex("-", behavior, inverts)])
            Assert.Equal(pieces.Split('|'), Pieces(splitter, "the-final--countdown"));
    }

    internal static List<string> Pieces(Splitter splitter, string text)
    {
        SplitBuffer buffer = new();
        buffer.Fill(text);
        splitter.Split(buffer);
        return [.. Enumerable.Range(0, buffer.Count).Select(i => buffer[i].ToString())];
    }

    private static List<string> Split(WordPattern pattern, string text) => Pieces(PatternSplitter.Of(pattern), text);

    // .NET takes the long s for no s when case is ignored, the peers do.
    private static Regex RegexOf(string text) =>
        new(text.Replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "(?i:'[s\u017f]|'t|'re|'ve|'m|'ll|'d)", StringComparison.Ordinal),
            RegexOptions.CultureInvariant);

    private static char StandIn(Rune rune) => rune.IsBmp ? (char)rune.Value : Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter => 'É',
        UnicodeCategory.TitlecaseLetter => 'ǅ',
        UnicodeCategory.LowercaseLetter => 'é',
        UnicodeCategory.ModifierLetter => 'ʰ',
        UnicodeCategory.OtherLetter => '中',
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => '½',
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => '\u0301',
        _ => '€',
    };
}
