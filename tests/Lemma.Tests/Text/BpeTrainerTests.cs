using System.Text;
using CsCheck;
using Lemma.Text;
using Lemma.Text.Models;
using Lemma.Text.Splitting;
using Lemma.Text.Training;

namespace Lemma.Tests.Text;

public sealed class BpeTrainerTests
{
    [Fact]
    public void Learns_what_a_naive_twin_learns() =>
        Gen.OneOf("a", "b", "ab", " ", "c", "é", "aa").Array[1, 60].Select(string.Concat).Sample(text =>
            Assert.Equal(NaiveMerges(text, 40, 2), Merges(Train(text, 296))), iter: 300);

    [Fact]
    public void Ids_are_special_tokens_then_sorted_bytes_then_merges()
    {
        Tokenizer tokenizer = BpeTrainer.Train(["aab aab"], new BpeTrainerOptions { VocabularySize = 300, SpecialTokens = ["<a>", "<b>"] });
        Assert.Equal(["<a>", "<b>", "!", "\""], Enumerable.Range(0, 4).Select(tokenizer.PieceOf));
        Assert.Equal("Ń", tokenizer.PieceOf(257));
        Assert.Equal([("a", "a"), ("aa", "b")], Merges(tokenizer));
        Assert.Equal(260, tokenizer.VocabularySize);
    }

    [Fact]
    public void Documents_do_not_join() =>
        Assert.Empty(Merges(BpeTrainer.Train(["a", "b", "a", "b"], new BpeTrainerOptions { VocabularySize = 300 })));

    [Fact]
    public void Reports_progress_up_to_one()
    {
        List<TrainerProgress> told = [];
        BpeTrainer.Train(Enumerable.Repeat(new string('a', 1 << 19), 4), progress: new Collect(told));
        Assert.Equal([new TrainerProgress(1 << 20, 0), new TrainerProgress(1 << 21, 0)], told[..2]);
        Assert.Equal(new TrainerProgress(0, 1), told[^1]);
    }

    [Theory]
    [InlineData(256, 1, "<x>", "train: the vocabulary must hold 256 bytes and 1 special tokens, but its size is 256")]
    [InlineData(300, 0, "<x>", "train: the minimum frequency must be at least 1, but is 0")]
    [InlineData(300, 1, "x", "train: special tokens must differ and have two characters or more, but one is 'x'")]
    public void Options_are_checked(int size, long frequency, string special, string message)
    {
        BpeTrainerOptions options = new() { VocabularySize = size, MinimumFrequency = frequency, SpecialTokens = [special] };
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => BpeTrainer.Train(["a"], options)).Message);
    }

    [Fact]
    public void Learns_of_characters_what_a_naive_twin_learns() =>
        Gen.OneOf("a", "b", "ab", " ", "\n", "é", "猫", "😀", "aa").Array[1, 60].Select(string.Concat).Sample(text =>
        {
            Tokenizer tokenizer = BpeTrainer.Train([text], new BpeTrainerOptions { VocabularySize = 60, Units = BpeUnits.Characters, SpecialTokens = [] });
            List<string> characters = [.. text.Replace(' ', '\u2581').EnumerateRunes().Distinct().Order().Select(rune => rune.ToString())];
            Assert.Equal(["<unk>", .. characters], Enumerable.Range(0, 1 + characters.Count).Select(tokenizer.PieceOf));
            Assert.Equal(NaiveMerges(Words(text), ["<unk>", .. characters], 59 - characters.Count, 2), Merges(tokenizer));
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
            Assert.Equal(tokenizer.Encode(text), TokenizerFileTests.SaveAndLoad(tokenizer).Encode(text));
        }, iter: 300);

    [Fact]
    public void Characters_that_were_not_learned_become_their_bytes() =>
        Gen.OneOf("the", " cat", "  ", "\n\n", "猫", "😀", "ß", "\u0000", "<0x41>").Array[0, 30].Select(string.Concat).Sample(text =>
        {
            Assert.Equal(text, Fallback.Decode(Fallback.Encode(text)));
            Tokenizer loaded = TokenizerFileTests.SaveAndLoad(Fallback);
            Assert.Equal(Fallback.Encode(text), loaded.Encode(text));
            Assert.Equal(text, loaded.Decode(loaded.Encode(text)));
            Assert.Equal(text, Spaceless.Decode(Spaceless.Encode(text)));
        });

    [Fact]
    public void An_alphabet_has_the_most_frequent_characters_and_of_equals_the_lowest()
    {
        BpeTrainerOptions options = new() { VocabularySize = 40, Units = BpeUnits.Characters, AlphabetSize = 3, SpecialTokens = ["<end>"] };
        Tokenizer tokenizer = BpeTrainer.Train(["zzzz bbab xa zcz"], options);
        Assert.Equal(["<unk>", "<end>", "b", "z", "\u2581", "zz"], Enumerable.Range(0, tokenizer.VocabularySize).Select(tokenizer.PieceOf));
        Assert.Equal([2, 0, 3, 3], tokenizer.Encode("baz").Concat(tokenizer.Encode("z")));
        Assert.StartsWith("train: the vocabulary must hold 2 special tokens and bytes and 3 characters, but its size is 4",
            Assert.Throws<ArgumentException>(() => BpeTrainer.Train(["zzzz bbab xa zcz"], options with { VocabularySize = 4 })).Message);
    }

    [Theory]
    [InlineData(BpeUnits.Bytes)]
    [InlineData(BpeUnits.Characters)]
    public void No_piece_is_longer_than_asked(BpeUnits units)
    {
        BpeTrainerOptions options = new() { VocabularySize = 400, Units = units, LongestPiece = 3, SpecialTokens = [] };
        Vocabulary vocabulary = BpeTrainer.Train(["abcabcabc abcabc aaaaaaa aaaaaaaa"], options).Model.Vocabulary;
        Assert.Equal(3, Enumerable.Range(0, vocabulary.Size).Select(id => vocabulary.PieceOf(id)!).Where(piece => piece != "<unk>").Max(piece => piece.Length));
    }

    [Theory]
    [InlineData(BpeUnits.Bytes)]
    [InlineData(BpeUnits.Characters)]
    [InlineData(BpeUnits.CharactersOrBytes)]
    public void Threads_and_the_order_of_texts_change_nothing(BpeUnits units)
    {
        string longText = string.Join(' ', Enumerable.Range(0, 60_000).Select(i => $"w{i % 977}x{i % 31}\nline"));
        string[] texts = [longText, "the cat sat", .. Enumerable.Range(0, 50).Select(i => $"text {i} 猫 the mat")];
        BpeTrainerOptions options = new() { VocabularySize = 700, Units = units, Threads = 1 };
        IReadOnlyList<(string, string)> one = Merges(BpeTrainer.Train(texts, options));
        Assert.True(one.Count > 300);
        Assert.Equal(one, Merges(BpeTrainer.Train(texts.Reverse(), options with { Threads = 3 })));
    }

    [Fact]
    public void An_error_of_the_texts_is_thrown_as_it_is()
    {
        static IEnumerable<string> Broken()
        {
            yield return "a";
            throw new InvalidDataException("no more");
        }
        Assert.Equal("no more", Assert.Throws<InvalidDataException>(() => BpeTrainer.Train(Broken())).Message);
        Assert.ThrowsAny<OperationCanceledException>(() => BpeTrainer.Train(["a"], cancellation: new CancellationToken(true)));
    }

    private static readonly Tokenizer Fallback = BpeTrainer.Train(["the cat sat on the mat\n\nthe the ß"],
        new BpeTrainerOptions { VocabularySize = 300, Units = BpeUnits.CharactersOrBytes, AlphabetSize = 10 });

    private static readonly Tokenizer Spaceless = BpeTrainer.Train(["abc"], new BpeTrainerOptions { VocabularySize = 300, Units = BpeUnits.CharactersOrBytes });

    /// <summary>Words of characters: a space, written as its mark, begins one, and a run of line feeds is one.</summary>
    private static List<List<string>> Words(string text)
    {
        List<List<string>> words = [];
        foreach (System.Text.RegularExpressions.Match word in System.Text.RegularExpressions.Regex.Matches(text, " [^ \n]*|[^ \n]+|\n+"))
            if (word.Length > 0)
                words.Add([.. word.Value.Replace(' ', '\u2581').EnumerateRunes().Select(rune => rune.ToString())]);
        return words;
    }

    private sealed class Collect(List<TrainerProgress> told) : IProgress<TrainerProgress>
    {
        public void Report(TrainerProgress value) => told.Add(value);
    }

    private static Tokenizer Train(string text, int size) =>
        BpeTrainer.Train([text], new BpeTrainerOptions { VocabularySize = size, SpecialTokens = [] });

    private static IReadOnlyList<(string, string)> Merges(Tokenizer tokenizer) => ((BpeModel)tokenizer.Model).Merges;

    private static List<(string, string)> NaiveMerges(string text, int most, int least)
    {
        List<List<string>> words = [];
        for (int at = 0; at < text.Length;)
        {
            int end = Gpt2Scanner.EndOfNext(text, at);
            words.Add([.. Encoding.UTF8.GetBytes(text[at..end]).Select(b => ByteAlphabet.ToCharacter(b).ToString())]);
            at = end;
        }
        return NaiveMerges(words, [.. ByteAlphabet.Sorted().Select(c => c.ToString())], most, least);
    }

    /// <summary>Counts every pair anew for every merge.</summary>
    private static List<(string, string)> NaiveMerges(List<List<string>> words, List<string> vocabulary, int most, int least)
    {
        List<(string, string)> merges = [];
        while (merges.Count < most)
        {
            var best = words.SelectMany(word => word.Zip(word.Skip(1))).GroupBy(pair => pair)
                .Select(group => (group.Key, Count: group.Count()))
                .OrderByDescending(pair => pair.Count).ThenBy(pair => vocabulary.IndexOf(pair.Key.First))
                .ThenBy(pair => vocabulary.IndexOf(pair.Key.Second)).FirstOrDefault();
            if (best.Count < least)
                break;
            (string left, string right) = best.Key;
            merges.Add((left, right));
            if (!vocabulary.Contains(left + right))
                vocabulary.Add(left + right);
            foreach (List<string> word in words)
                for (int i = 0; i + 1 < word.Count; i++)
                    if (word[i] == left && word[i + 1] == right)
                    {
                        word[i] = left + right;
                        word.RemoveAt(i + 1);
                    }
        }
        return merges;
    }
}
