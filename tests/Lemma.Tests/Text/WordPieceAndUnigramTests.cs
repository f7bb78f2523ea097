using CsCheck;
using Lemma.Text;
using Lemma.Text.Models;
using Lemma.Text.Normalization;
using Lemma.Text.Splitting;
using Lemma.Text.Training;

namespace Lemma.Tests.Text;

public sealed class WordPieceAndUnigramTests
{
    private static readonly string[] Lines =
    [
        "the cat sat on the mat", "the cats sat on mats", "Ein Kätzchen saß auf der Matte.", "hugging hugs, pugs and buns!", "猫は猫です",
    ];

    private static readonly Gen<string> Words = Gen.OneOf("a", "b", "ab", "ba", "c", "aa", " ").Array[1, 80].Select(string.Concat);

    [Fact]
    public void WordPiece_takes_the_longest_piece_each_time()
    {
        WordPieceModel model = new(new Vocabulary(["[UNK]", "un", "##aff", "##able", "##a", "##b", "able", "##f"]), mostCharacters: 12);
        List<int> ids = [];
        Assert.Equal(-1, model.Encode("unaffable", ids));
        Assert.Equal(-1, model.Encode("unx", ids));
        Assert.Equal(-1, model.Encode("unaaaaaaaaaaa", ids));
        Assert.Equal([1, 2, 3, 0, 0], ids);
    }

    [Theory]
    [InlineData(WordPieceScore.Frequency)]
    [InlineData(WordPieceScore.Likelihood)]
    public void WordPiece_learns_what_a_naive_twin_learns(WordPieceScore score) => Words.Sample(text =>
    {
        WordPieceTrainerOptions options = new()
        {
            VocabularySize = 24,
            SpecialTokens = ["[UNK]"],
            Score = score,
            Normalizer = null,
            Splitter = new WhitespaceSplitter(),
        };
        Vocabulary learned = WordPieceTrainer.Train([text], options).Model.Vocabulary;
        Assert.Equal(NaivePieces(text, score, 24), Enumerable.Range(0, learned.Size).Select(id => learned.PieceOf(id)!));
    }, iter: 300);

    [Fact]
    public void A_trained_WordPiece_tokenizer_is_saved_and_read()
    {
        Tokenizer tokenizer = WordPieceTrainer.Train(Lines, new WordPieceTrainerOptions { VocabularySize = 90 });
        Tokenizer loaded = TokenizerFileTests.SaveAndLoad(tokenizer);
        Assert.Equal(tokenizer.Encode("The cats!"), loaded.Encode("The cats!"));
        Assert.Equal("the cats!", loaded.Decode(loaded.Encode("The cats!")));
        EncodedText encoded = loaded.EncodeDetailed("The cats!", "on");
        Assert.Equal(0, encoded.TypeIds[0]);
        Assert.Equal(1, encoded.TypeIds[^1]);
        Assert.All(encoded.Ids.Index().Where(id => encoded.SpecialTokensMask[id.Index] == 0 && encoded.Sequences[id.Index] == 0), id =>
        {
            (int start, int end) = encoded.Offsets[id.Index];
            Assert.Equal(loaded.PieceOf(id.Item).Replace("##", "", StringComparison.Ordinal), "The cats!"[start..end].ToLowerInvariant());
        });
    }

    [Fact]
    public void Unigram_finds_the_most_probable_way() => Gen.Char['a', 'c'].Array[1, 9].Sample(letters =>
    {
        string text = new(letters);
        UnigramModel model = Small;
        List<(double Score, int[] Ids)> all = [.. AllWays(model, text).OrderByDescending(way => way.Score)];
        List<int> ids = [];
        Assert.Equal(-1, model.Encode(text, ids));
        Assert.Equal(all[0].Score, ids.Sum(id => model.Pieces[id].Score), 1e-9);
        IReadOnlyList<(double Score, int[] Ids)> best = model.EncodeBest(text, 4);
        Assert.Equal(Math.Min(4, all.Count), best.Count);
        for (int i = 0; i < best.Count; i++)
            Assert.Equal(all[i].Score, best[i].Score, 1e-9);
    });

    [Fact]
    public void Unigram_draws_ways_as_often_as_they_are_probable()
    {
        Random random = new(3);
        Dictionary<string, int> drawn = [];
        for (int i = 0; i < 20_000; i++)
        {
            string way = string.Join(' ', Small.EncodeSample("abc", 1, random));
            drawn[way] = drawn.GetValueOrDefault(way) + 1;
        }
        (double Score, int[] Ids)[] all = [.. AllWays(Small, "abc")];
        double total = all.Sum(way => Math.Exp(way.Score));
        Assert.All(all, way =>
            Assert.InRange(drawn.GetValueOrDefault(string.Join(' ', way.Ids)) / 20_000.0 - (Math.Exp(way.Score) / total), -0.02, 0.02));
    }

    [Fact]
    public void A_trained_unigram_tokenizer_has_its_size_and_reads_all_text()
    {
        UnigramTrainerOptions options = new() { VocabularySize = 48, Normalizer = null };
        string[] often = [.. Enumerable.Repeat(Lines, 20).SelectMany(lines => lines)];
        Tokenizer tokenizer = UnigramTrainer.Train(often, options);
        Assert.Equal(48, tokenizer.VocabularySize);
        Assert.All(Lines, line => Assert.Equal(line, tokenizer.Decode(tokenizer.Encode(line))));
        Tokenizer again = UnigramTrainer.Train(often.Reverse(), options);
        Assert.Equal(((UnigramModel)tokenizer.Model).Pieces, ((UnigramModel)again.Model).Pieces);
        Assert.Equal(tokenizer.Encode("the mats"), TokenizerFileTests.SaveAndLoad(tokenizer).Encode("the mats"));
    }

    [Fact]
    public void Words_get_ids_by_their_counts()
    {
        Tokenizer tokenizer = WordTrainer.Train(["b a b", "c b a"], new WordTrainerOptions { VocabularySize = 3 });
        Assert.Equal(["<unk>", "b", "a"], Enumerable.Range(0, 3).Select(tokenizer.PieceOf));
        Assert.Equal([1, 0, 2], tokenizer.Encode("b c a"));
    }

    [Fact]
    public void Text_is_composed_and_decomposed()
    {
        Assert.Equal("Å가é", new UnicodeFormNormalizer(UnicodeForm.Nfc).Normalize("A\u030a\u1100\u1161e\u0301"));
        Assert.Equal("A\u030a\u1100\u1161", new UnicodeFormNormalizer(UnicodeForm.Nfd).Normalize("Å가"));
        Assert.Equal("fi2½x".Replace("½", "1⁄2", StringComparison.Ordinal), new UnicodeFormNormalizer(UnicodeForm.Nfkc).Normalize("ﬁ²½x"));
        Assert.Equal("a\u0323\u0302", new UnicodeFormNormalizer(UnicodeForm.Nfd).Normalize("a\u0302\u0323"));
    }

    [Fact]
    public void Texts_are_cut_and_filled_up()
    {
        Tokenizer words = WordTrainer.Train(["a b c d e f"]);
        Tokenizer tokenizer = new(words.Model, words.AddedTokens, splitter: words.Splitter,
            truncation: new TruncationOptions { MaximumLength = 4 }, padding: new PaddingOptions { FixedLength = 5 });
        Assert.Equal(["a", "b", "c", "d", "<unk>"], tokenizer.EncodeForModel("a b c d e").Ids.Select(tokenizer.PieceOf));
        Assert.Equal(["a", "b", "c", "d", "e"], tokenizer.Encode("a b c d e").Select(tokenizer.PieceOf));
        Assert.Equal(5, tokenizer.EncodeDetailed("a b c d e").Ids.Count);
        Assert.Equal(5, tokenizer.EncodeBatch(["a b c d e"])[0].Length);
        Assert.Equal(5, tokenizer.CountTokens("a b c d e"));
        EncodedText pair = tokenizer.EncodeForModel("a b c d", "e f");
        Assert.Equal(["a", "b", "e", "f", "<unk>"], pair.Ids.Select(tokenizer.PieceOf));
        Assert.Equal([1, 1, 1, 1, 0], pair.AttentionMask);
        Assert.Equal([1, 0], TokenizerFileTests.SaveAndLoad(tokenizer).EncodeForModel("a").AttentionMask.Take(2));
    }

    private static readonly UnigramModel Small = new(
        [("<unk>", 0), ("a", -2), ("b", -2.5), ("c", -3), ("ab", -3.1), ("bc", -4.2), ("abc", -6), ("ca", -4.7)], 0);

    private static IEnumerable<(double Score, int[] Ids)> AllWays(UnigramModel model, string text)
    {
        if (text.Length == 0)
        {
            yield return (0, []);
            yield break;
        }
        for (int id = 1; id < model.Pieces.Count; id++)
            if (text.StartsWith(model.Pieces[id].Piece, StringComparison.Ordinal))
                foreach ((double score, int[] ids) in AllWays(model, text[model.Pieces[id].Piece.Length..]))
                    yield return (model.Pieces[id].Score + score, [id, .. ids]);
    }

    /// <summary>Counts everything anew for every pair that is joined.</summary>
    private static List<string> NaivePieces(string text, WordPieceScore score, int size)
    {
        List<List<string>> words = [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(word => word.Select((c, i) => i == 0 ? c.ToString() : "##" + c).ToList())];
        List<string> pieces = ["[UNK]"];
        foreach (string prefix in (string[])["", "##"])
            pieces.AddRange(text.Where(c => c != ' ').Distinct().Order().Select(c => prefix + c));
        while (pieces.Count < size)
        {
            Dictionary<string, int> counts = words.SelectMany(word => word).GroupBy(piece => piece).ToDictionary(g => g.Key, g => g.Count());
            var best = words.SelectMany(word => word.Zip(word.Skip(1))).GroupBy(pair => pair)
                .Select(group => (group.Key, Count: group.Count())).Where(pair => pair.Count >= 2)
                .OrderByDescending(pair => score == WordPieceScore.Frequency
                    ? pair.Count : pair.Count / ((double)counts[pair.Key.First] * counts[pair.Key.Second]))
                .ThenByDescending(pair => pair.Count).ThenBy(pair => pieces.IndexOf(pair.Key.First))
                .ThenBy(pair => pieces.IndexOf(pair.Key.Second)).FirstOrDefault();
            if (best.Count == 0)
                break;
            (string left, string right) = best.Key;
            if (!pieces.Contains(left + right[2..]))
                pieces.Add(left + right[2..]);
            foreach (List<string> word in words)
                for (int i = 0; i + 1 < word.Count; i++)
                    if (word[i] == left && word[i + 1] == right)
                    {
                        word[i] = left + right[2..];
                        word.RemoveAt(i + 1);
                    }
        }
        return pieces;
    }
}
