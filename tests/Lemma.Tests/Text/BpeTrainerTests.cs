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
        List<double> shares = [];
        BpeTrainer.Train(["aab aab"], progress: new Collect(shares));
        Assert.Equal(1, shares[^1]);
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

    private sealed class Collect(List<double> shares) : IProgress<double>
    {
        public void Report(double value) => shares.Add(value);
    }

    private static Tokenizer Train(string text, int size) =>
        BpeTrainer.Train([text], new BpeTrainerOptions { VocabularySize = size, SpecialTokens = [] });

    private static IReadOnlyList<(string, string)> Merges(Tokenizer tokenizer) => ((BpeModel)tokenizer.Model).Merges;

    /// <summary>Counts every pair anew for every merge.</summary>
    private static List<(string, string)> NaiveMerges(string text, int most, int least)
    {
        List<string> vocabulary = [.. ByteAlphabet.Sorted().Select(c => c.ToString())];
        List<List<string>> words = [];
        for (int at = 0; at < text.Length;)
        {
            int end = Gpt2Scanner.EndOfNext(text, at);
            words.Add([.. Encoding.UTF8.GetBytes(text[at..end]).Select(b => ByteAlphabet.ToCharacter(b).ToString())]);
            at = end;
        }
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
