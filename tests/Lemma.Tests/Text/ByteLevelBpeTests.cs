using System.Text;
using CsCheck;
using Lemma.Text;
using Lemma.Text.Models;
using Lemma.Text.Splitting;
using Lemma.Text.Training;

namespace Lemma.Tests.Text;

/// <summary>The one-pass encoder beside the merging of the model, which the naive twin checks.</summary>
public sealed class ByteLevelBpeTests
{
    private static readonly Gen<string> Texts = Gen.OneOf(
        Gen.OneOf("the", " cat", "  ", "\n", "猫は", "😀", "ß", "aaaaaaa", "abab", "'s", "\u0000", "ﷺ", "e\u0301"),
        Gen.Int[0, 0x10FFFF].Select(scalar => Rune.IsValid(scalar) ? new Rune(scalar).ToString() : "\ud800"),
        Gen.Char['a', 'd'].Select(c => c.ToString())).Array[0, 60].Select(string.Concat);

    private static readonly Gen<string> LongWords = Gen.OneOf("a", "b", "ab", "c", "abc", "aa", "d").Array[20, 200].Select(string.Concat);

    private static readonly Tokenizer Small = BpeTrainer.Train(
        ["abcabdacdbacbdabcdabababacacacadadadaaaaaaaaabacadbcbdcdbbbbbcccccddddd the cat 猫は ß 😀"],
        new BpeTrainerOptions { VocabularySize = 340, MinimumFrequency = 1, SpecialTokens = [] });

    [Fact]
    public void Equals_merging_for_any_text() => Texts.Sample(text => Assert.Equal(ByMerging(Small, text), Small.Encode(text)));

    [Fact]
    public void Equals_merging_for_long_words() => LongWords.Sample(text => Assert.Equal(ByMerging(Small, text), Small.Encode(text)));

    [Fact]
    public void Ranks_that_are_shared_take_the_leftmost_pair() => LongWords.Sample(text =>
    {
        Assert.Equal(ByRanks(Ranked.Value, text), Ranked.Value.Encode(text));
    }, iter: 2000);

    [Theory]
    [InlineData("gpt2", "tinyshakespeare.txt")]
    [InlineData("gpt2", "udhr/tha.txt")]
    [InlineData("roberta-base", "udhr/hin.txt")]
    public void Equals_merging_with_real_vocabularies(string name, string corpus)
    {
        Tokenizer tokenizer = Tokenizer.Load(SharedData.FindOrSkip($"data/tokenizers/{name}"));
        string text = File.ReadAllText(SharedData.FindOrSkip($"data/corpora/{corpus}"));
        text = text[..Math.Min(text.Length, 200_000)];
        Assert.Equal(ByMerging(tokenizer, text), tokenizer.Encode(text, addSpecialTokens: false));
        string one = text.Replace(" ", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal);
        Assert.Equal(ByMerging(tokenizer, one), tokenizer.Encode(one, addSpecialTokens: false));
    }

    [Theory]
    [InlineData('a')]
    [InlineData(' ')]
    [InlineData('\n')]
    [InlineData('.')]
    [InlineData('猫')]
    public void A_megabyte_of_one_character_takes_no_longer_than_other_text(char c)
    {
        string text = new(c, 1 << 20);
        System.Diagnostics.Stopwatch clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.Equal(text, Small.Decode(Small.Encode(text)));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"{clock.Elapsed}");
    }

    [Fact]
    public void A_span_of_the_callers_is_filled_without_allocation()
    {
        const string Text = "the cat sat on the mat abcabc 猫は <|x|>";
        int[] expected = Small.Encode(Text), ids = new int[expected.Length];
        Assert.True(Small.TryEncode(Text, ids, out int count));
        Assert.Equal(expected, ids);
        Assert.Equal((expected.Length, expected.Length), (count, Small.CountTokens(Text)));
        Assert.False(Small.TryEncode(Text, ids.AsSpan(1), out count));
        Assert.Equal(expected.Length, count);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            Small.TryEncode(Text, ids, out _);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_batch_has_the_order_of_its_texts()
    {
        string[] texts = [.. Enumerable.Range(0, 500).Select(i => $"the cat {i} abab")];
        Assert.Equal(texts.Select(text => Small.Encode(text)), Small.EncodeBatch(texts));
        Assert.Equal(texts.Select(text => Small.Encode(text)), Small.EncodeBatch(texts, threads: 1));
    }

    [Fact]
    public void Words_are_forgotten_and_stay_right()
    {
        Random random = new(5);
        string text = string.Concat(Enumerable.Range(0, 120_000).Select(_ => " " + (char)('a' + random.Next(4)) + random.Next(100_000)
            + new string('b', random.Next(12))));
        Assert.Equal(ByMerging(Small, text), Small.Encode(text));
    }

    /// <summary>Merges every word with the model, which knows nothing of the one pass.</summary>
    private static List<int> ByMerging(Tokenizer tokenizer, string text)
    {
        SplitBuffer buffer = new();
        buffer.Fill(text);
        tokenizer.Splitter!.Split(buffer);
        List<int> ids = [];
        for (int i = 0; i < buffer.Count; i++)
            Assert.Equal(-1, tokenizer.Model.Encode(buffer[i], ids));
        return ids;
    }

    /// <summary>The pair whose joined piece has the lowest id, the leftmost of equals, as tiktoken merges.</summary>
    private static List<int> ByRanks(Tokenizer tokenizer, string text)
    {
        List<int> ids = [];
        Vocabulary vocabulary = tokenizer.Model.Vocabulary;
        foreach (string word in WordScannerTests.Pieces(tokenizer.Splitter!, text))
        {
            List<string> pieces = [.. word.Select(c => c.ToString())];
            while (vocabulary.IdOf(word) < 0)
            {
                int best = int.MaxValue, at = -1;
                for (int i = 0; i + 1 < pieces.Count; i++)
                    if (vocabulary.IdOf(pieces[i] + pieces[i + 1]) is int rank and >= 0 && rank < best)
                        (best, at) = (rank, i);
                if (at < 0)
                    break;
                pieces[at] += pieces[at + 1];
                pieces.RemoveAt(at + 1);
            }
            ids.AddRange(vocabulary.IdOf(word) >= 0 ? [vocabulary.IdOf(word)] : pieces.Select(piece => vocabulary.IdOf(piece)));
        }
        return ids;
    }

    private static readonly Lazy<Tokenizer> Ranked = new(() =>
    {
        using TemporaryFolder folder = new();
        string path = folder["small.tiktoken"];
        Vocabulary vocabulary = Small.Model.Vocabulary;
        File.WriteAllLines(path, Enumerable.Range(0, vocabulary.Size).Select(id =>
            $"{Convert.ToBase64String(ByteAlphabet.TryRead(vocabulary.PieceOf(id))!)} {id}"));
        return Tokenizer.LoadTiktoken(path, WordPattern.Gpt2);
    });
}
