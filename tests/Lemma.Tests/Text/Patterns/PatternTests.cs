using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Lemma.Text.Decoding;
using Lemma.Text.Normalization;
using Lemma.Text.Patterns;
using Lemma.Text.Splitting;

namespace Lemma.Tests.Text.Patterns;

/// <summary>Patterns beside those of the peer, beside a plain twin, and what they refuse.</summary>
public sealed class PatternTests
{
    private static readonly int Cases = int.Parse(Environment.GetEnvironmentVariable("LEMMA_FUZZ") ?? "3000", CultureInfo.InvariantCulture);

    /// <summary>bench/tokenizers/make_patterns.py.</summary>
    [Fact]
    public void Texts_are_cut_where_the_peer_cuts_them()
    {
        string file = Environment.GetEnvironmentVariable("LEMMA_PATTERNS") ?? Path.Combine(AppContext.BaseDirectory, "Golden", "patterns.json");
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(file));
        string[] texts = [.. golden.RootElement.GetProperty("texts").EnumerateArray().Select(text => text.GetString()!)];
        Assert.True(golden.RootElement.GetProperty("patterns").GetArrayLength() > 200 && texts.Length == 500);
        foreach (JsonElement item in golden.RootElement.GetProperty("patterns").EnumerateArray())
        {
            PatternSplitter splitter = PatternSplitter.OfRegex(item.GetProperty("pattern").GetString()!);
            string[] lines = [.. texts.Select(text => string.Join(',', WordScannerTests.Pieces(splitter, text).Select(part => part.Length)) + "\n")];
            if (item.TryGetProperty("parts", out JsonElement parts))
                Assert.Equal(parts.EnumerateArray().Select(part => part.GetString()!), lines);
            else
                Assert.True(item.GetProperty("crc").GetString() == string.Concat(lines.Chunk(10).Select(static ten => Checksum(string.Concat(ten)))),
                    $"{splitter.Pattern} cuts otherwise than the peer");
        }
    }

    [Fact]
    public void The_first_way_to_match_is_that_of_the_plain_twin_quickly_and_carefully()
    {
        Random random = new(7);
        int compared = 0, found = 0;
        for (int i = 0; i < Cases; i++)
        {
            string pattern = RandomPattern(random, 3);
            PatternNode tree = PatternParser.Parse(pattern);
            Pattern fast = new(pattern), careful = new(pattern, freeWork: -1);
            for (int k = 0; k < 4; k++)
            {
                string text = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => Letters[random.Next(Letters.Length)]));
                if (new NaiveMatcher(tree, text).FindAll() is not List<(int, int)> expected)
                    continue;
                (compared, found) = (compared + 1, found + expected.Count);
                Assert.True(expected.SequenceEqual(All(fast, text)), $"{pattern} on '{text}': {Shown(expected)}, but {Shown(All(fast, text))}");
                Assert.True(expected.SequenceEqual(All(careful, text)), $"careful: {pattern} on '{text}': {Shown(expected)}, but {Shown(All(careful, text))}");
            }
        }
        Assert.True(compared > Cases && found > Cases, $"{compared} compared, {found} matches");
    }

    [Theory]
    [InlineData("(a+)+b")]
    [InlineData("(?:a|a)*b")]
    [InlineData("(?:a*)*b")]
    [InlineData("a*a*a*a*b")]
    [InlineData("(?:a?){30}b")]
    [InlineData("(?=(a+)+b)")]
    [InlineData("(?:(?>a+)|a)*b")]
    [InlineData("a++b")]
    [InlineData("a(?=a*b)")]
    [InlineData("a(?!.*b)c")]
    [InlineData("(?:a+?)+?b")]
    [InlineData(".*?.*?b")]
    public void Time_is_linear_in_the_text(string pattern)
    {
        Stopwatch clock = Stopwatch.StartNew();
        Assert.Empty(All(new Pattern(pattern), new string('a', 200_000)));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"{clock.Elapsed}");
    }

    [Theory]
    [InlineData("(", "must close its group, character 2")]
    [InlineData("a)", "must open the group that it closes, character 2")]
    [InlineData("[a", "must close its class, character 3")]
    [InlineData("*a", "must have something to repeat, character 1")]
    [InlineData(@"(a)\1", "must have no back-reference, for which no linear time is known, character 6")]
    [InlineData(@"\p{Klingon}", "names the unknown property 'Klingon', character 11")]
    [InlineData(@"[[:klingon:]]", "names the unknown class [:klingon:], character 13")]
    [InlineData("[z-a]", "must have its ranges from the lower to the higher, character 5")]
    [InlineData("[a-\\d]", "must have a character at the end of a range, character 5")]
    [InlineData("(?~a)", "must have a group that is known here, character 3")]
    [InlineData("a\\", "must go on at its end, character 3")]
    [InlineData(@"\x{110000}", "must name a code point of Unicode, character 10")]
    public void A_broken_pattern_is_told_with_its_place(string pattern, string reason) =>
        Assert.Equal($"pattern: '{pattern}' {reason}", Assert.Throws<ArgumentException>(() => PatternSplitter.OfRegex(pattern)).Message);

    [Fact]
    public void A_pattern_cannot_ask_for_much_memory_or_depth()
    {
        foreach (string pattern in (string[])["((a{1000}b){1000}c){1000}", new string('(', 100_000), new string('[', 100_000), "a" + new string('*', 100_000),
                     "(?<=a*)b", $"(?i){new string('s', 400)}", "a{1000000000000}"])
            Assert.StartsWith("pattern: ", Assert.Throws<ArgumentException>(() => new Pattern(pattern)).Message);
    }

    [Fact]
    public void Replacing_sees_whole_characters()
    {
        Assert.Equal("x🌐x", new ReplaceNormalizer(@"\p{L}+", "x", isRegex: true).Normalize("𝒜b🌐c"));
        StringBuilder text = new();
        PieceSink sink = new ReplaceDecoder(@"[^\p{So}]", "", isRegex: true).Attach(new Collector(text));
        sink.Write("a🌐𝒜", endsPiece: true);
        Assert.Equal("🌐", text.ToString());
    }

    private static readonly string[] Letters = ["a", "b", "ab", "c", " ", "\n", "é", "𝒜", "ſ", "S", "ss", "ß", "1", "漢"];

    private static readonly string[] Atoms = ["a", "b", ".", @"\s", @"\w", @"\p{L}", "[ab]", "[^a]", "ab", "c", @"\p{Han}", "[𝒜-𝓏]", @"[\p{L}&&[^a]]"];

    private static readonly string[] Repeats = ["", "", "", "*", "+", "?", "*?", "+?", "??", "*+", "++", "{2}", "{1,2}", "{0,2}?", "{2,}"];

    private static string RandomPattern(Random random, int depth)
    {
        string Atom() => (depth == 0 ? 0 : random.Next(14)) switch
        {
            9 => $"(?>{RandomPattern(random, depth - 1)})",
            10 => $"(?i:{RandomPattern(random, depth - 1)}ss)",
            11 => $"({(random.Next(2) == 0 ? "?=" : "?!")}{RandomPattern(random, depth - 1)})",
            12 => $"({(random.Next(2) == 0 ? "?<=" : "?<!")}{Atoms[random.Next(Atoms.Length)]}|{Atoms[random.Next(Atoms.Length)]})",
            13 => ((string[])["^", "$", @"\b", @"\B", @"\A", @"\z", @"\Z"])[random.Next(7)],
            > 5 => $"(?:{RandomPattern(random, depth - 1)})",
            _ => Atoms[random.Next(Atoms.Length)],
        };
        string Sequence() => string.Concat(Enumerable.Range(0, random.Next(1, 4)).Select(_ => Atom() + Repeats[random.Next(Repeats.Length)]));
        return string.Join('|', Enumerable.Range(0, random.Next(1, 4)).Select(_ => Sequence()));
    }

    private static List<(int, int)> All(Pattern pattern, string text)
    {
        List<(int, int)> all = [];
        foreach ((int, int) match in pattern.FindAll(text))
            all.Add(match);
        return all;
    }

    private static string Shown(List<(int, int)> matches) => string.Join(' ', matches);

    // CRC-32 as zlib has it, bit by bit.
    private static string Checksum(string text)
    {
        uint sum = uint.MaxValue;
        foreach (char c in text)
        {
            sum ^= c;
            for (int bit = 0; bit < 8; bit++)
                sum = (sum >> 1) ^ ((sum & 1) * 0xEDB88320);
        }
        return (~sum).ToString("x8", CultureInfo.InvariantCulture);
    }

    private sealed class Collector(StringBuilder text) : PieceSink
    {
        public override void Write(ReadOnlySpan<char> part, bool endsPiece) => text.Append(part);

        public override void Finish()
        {
        }
    }
}
