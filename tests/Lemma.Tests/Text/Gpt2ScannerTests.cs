using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using Lemma.Text.Splitting;

namespace Lemma.Tests.Text;

public sealed class Gpt2ScannerTests
{
    private static readonly Regex Pattern = new(
        @"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant);

    private static readonly string[] Parts =
    [
        " ", "  ", "\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2028", "a", "Z", "é", "ß", "Ж", "中", "ก", "0", "9", "½", "Ⅷ", "٣",
        "_", "-", "!",
        "'", "'s", "'t", "'ll", "'ve", "'re", "'d", "'m", "'l", "'r", "ll", "s", "\u0301", "\u200d", "€", "\ufffd",
        "\u0000",
    ];

    private static readonly Gen<string> BasicPlane = Gen.OneOf(Parts).Array[0, 40].Select(string.Concat);
    private static readonly Gen<string> AllPlanes =
        Gen.OneOf(Gen.OneOf([.. Parts, "𝒜", "𐍈", "😀", "𝟙", "🏳\ufe0f\u200d🌈", "𠀀"]), Gen.Int[0, 0x10FFFF]
            .Select(scalar => Rune.IsValid(scalar) ? new Rune(scalar).ToString() : "x")).Array[0, 40].Select(string.Concat);

    [Fact]
    public void Equals_the_regular_expression_in_the_basic_plane() =>
        BasicPlane.Sample(text => Assert.Equal(Pattern.Matches(text).Select(match => match.Value), Split(text)));

    [Fact]
    public void Equals_the_naive_twin_in_all_planes() => AllPlanes.Sample(text => Assert.Equal(NaiveSplit(text), Split(text)));

    [Theory]
    [InlineData("Hello, world!", "Hello|,| world|!")]
    [InlineData("I'll  say 'x' 10x", "I|'ll| | say| '|x|'| 10|x")]
    [InlineData("a \n\n b  ", "a| \n\n| b|  ")]
    [InlineData("𝒜𝒷 😀😀", "𝒜𝒷| 😀😀")]
    public void Splits_as_GPT2_does(string text, string words) => Assert.Equal(words.Split('|'), Split(text));

    private static List<string> Split(string text)
    {
        List<string> words = [];
        for (int at = 0; at < text.Length;)
        {
            int end = Gpt2Scanner.EndOfNext(text, at);
            words.Add(text[at..end]);
            at = end;
        }
        return words;
    }

    /// <summary>Every alternative of the pattern in its order, on a list of scalars.</summary>
    private static List<string> NaiveSplit(string text)
    {
        Rune[] runes = [.. text.EnumerateRunes()];
        List<string> words = [];
        for (int at = 0; at < runes.Length;)
        {
            int length = Contraction(runes, at);
            foreach (Func<Rune, bool> isKind in (Func<Rune, bool>[])[IsLetter, IsNumber, IsOther])
                if (length == 0)
                {
                    int space = runes[at] == new Rune(' ') ? 1 : 0, run = Run(runes, at + space, isKind);
                    length = run == 0 ? 0 : space + run;
                }
            if (length == 0)
            {
                length = Run(runes, at, Rune.IsWhiteSpace);
                if (at + length < runes.Length && length > 1)
                    length--;
            }
            words.Add(string.Concat(runes.Skip(at).Take(length).Select(rune => rune.ToString())));
            at += length;
        }
        return words;
    }

    private static int Contraction(Rune[] runes, int at)
    {
        string start = string.Concat(runes.Skip(at).Take(3).Select(rune => rune.ToString()));
        return Regex.Match(start, "^'(?:[sdmt]|ll|ve|re)").Length;
    }

    private static int Run(Rune[] runes, int at, Func<Rune, bool> isKind) => runes.Skip(at).TakeWhile(isKind).Count();

    private static bool IsLetter(Rune rune) => Rune.IsLetter(rune);

    private static bool IsNumber(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    private static bool IsOther(Rune rune) => !IsLetter(rune) && !IsNumber(rune) && !Rune.IsWhiteSpace(rune);
}
