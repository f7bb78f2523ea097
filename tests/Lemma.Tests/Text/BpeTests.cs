using System.Text;
using CsCheck;
using Lemma.Text;
using Lemma.Text.Models;
using Lemma.Text.Splitting;
using Lemma.Text.Training;

namespace Lemma.Tests.Text;

public sealed class BpeTests
{
    private const string Text = "the cat sat on the mat; the cats' mats sat. "
        + "Ein Kätzchen saß auf der Matte. 猫はマットの上に座った。 😀😀😀 1234 123 12\n\n\n";

    private static readonly Tokenizer Trained = BpeTrainer.Train(
        [Text, Text], new BpeTrainerOptions { VocabularySize = 330, SpecialTokens = ["<|endoftext|>", "<|user|>"] });

    private static readonly Gen<string> AnyText = Gen.OneOf(
        Gen.OneOf("the", " cat", "  ", "\n", "猫は", "😀", "ß", "<|endoftext", "'s", "\u0000"),
        Gen.Int[0, 0x10FFFF].Select(scalar => Rune.IsValid(scalar) ? new Rune(scalar).ToString() : "y"),
        Gen.Char['a', 'e'].Select(c => c.ToString())).Array[0, 80].Select(string.Concat);

    [Fact]
    public void Decoding_undoes_encoding_for_any_Unicode() =>
        AnyText.Sample(text => Assert.Equal(text, Trained.Decode(Trained.Encode(text))));

    [Fact]
    public void Streamed_text_equals_decoded_text_and_splits_no_character() =>
        Gen.Int[0, Trained.VocabularySize - 1].Array[0, 60].Sample(ids =>
        {
            StreamingDecoder stream = new(Trained, skipSpecialTokens: false);
            StringBuilder text = new();
            foreach (int id in ids)
            {
                string part = stream.Append(id);
                Assert.DoesNotContain(part.EnumerateRunes(), rune => rune == Rune.ReplacementChar && !IsBroken(ids));
                text.Append(part);
            }
            text.Append(stream.Finish());
            Assert.Equal(Trained.Decode(ids, skipSpecialTokens: false), text.ToString());
        });

    [Fact]
    public void A_stream_waits_for_the_last_byte_of_a_character()
    {
        Tokenizer bytes = BpeTrainer.Train([], new BpeTrainerOptions { VocabularySize = 257 });
        int[] ids = bytes.Encode("a😀");
        StreamingDecoder stream = new(bytes);
        Assert.Equal(["a", "", "", "", "😀"], ids.Select(stream.Append));
        Assert.Equal("", stream.Finish());
        Assert.Throws<InvalidOperationException>(() => stream.Append(ids[0]));

        StreamingDecoder broken = new(bytes);
        Assert.Equal(["", ""], ids.Skip(1).Take(2).Select(broken.Append));
        Assert.Equal("\ufffd", broken.Finish());
    }

    [Fact]
    public void A_lone_surrogate_is_read_as_the_replacement_character()
    {
        Assert.Equal("a\ufffdb", Trained.Decode(Trained.Encode("a\ud800b")));
        Assert.Equal("\ufffd\ufffd😀\ufffd", Trained.Decode(Trained.Encode("\udc00\ud83d\ud83d\ude00\ud83d")));
    }

    [Fact]
    public void Long_pieces_merge_as_a_naive_twin_does() =>
        Gen.Char['a', 'd'].Array[0, 300].Sample(letters =>
        {
            Tokenizer tokenizer = Abcd.Value;
            string text = new(letters);
            Assert.Equal(NaiveMerge((BpeModel)tokenizer.Model, text), tokenizer.Encode(text).Select(tokenizer.PieceOf));
        });

    [Fact]
    public void A_long_word_takes_no_quadratic_time()
    {
        string word = new('a', 200_000);
        System.Diagnostics.Stopwatch clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.Equal(word, Abcd.Value.Decode(Abcd.Value.Encode(word)));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"{clock.Elapsed}");
    }

    [Fact]
    public void Special_tokens_are_found_in_text_and_skipped_in_decoding()
    {
        int[] ids = Trained.Encode("<|user|>the cat<|endoftext|>");
        Assert.Equal((1, 0), (ids[0], ids[^1]));
        Assert.Equal("the cat", Trained.Decode(ids));
        Assert.Equal("<|user|>the cat<|endoftext|>", Trained.Decode(ids, skipSpecialTokens: false));
        Assert.Equal(["<|endoftext|>", "<|user|>"], Trained.SpecialTokens.Select(token => token.Content));
        Assert.Equal(0, Trained.IdOf("<|endoftext|>"));
        Assert.Null(Trained.IdOf("no such piece"));
    }

    [Fact]
    public void An_unknown_id_has_no_piece_and_no_text()
    {
        Assert.Equal("ab", Trained.Decode([Trained.IdOf("a")!.Value, 330, int.MaxValue, -1, Trained.IdOf("b")!.Value]));
        Assert.Null(Trained.PieceOrNull(330));
        StreamingDecoder stream = new(Trained);
        Assert.Equal("ab", stream.Append(Trained.IdOf("a")!.Value) + stream.Append(330) + stream.Append(Trained.IdOf("b")!.Value) + stream.Finish());
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => Trained.PieceOf(330));
        Assert.Contains("an id must be one of the 330 of the vocabulary, but is 330", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Many_threads_share_a_tokenizer()
    {
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => Text[(i % 50)..] + i)];
        int[][] expected = [.. texts.Select(text => Trained.Encode(text))];
        Tokenizer fresh = new(new BpeModel(Trained.Model.Vocabulary, ((BpeModel)Trained.Model).Merges), Trained.AddedTokens,
            splitter: new ByteLevelSplitter());
        Parallel.For(0, 2000, i => Assert.Equal(expected[i % 200], fresh.Encode(texts[i % 200])));
    }

    [Fact]
    public void A_list_is_appended_to_and_left_alone_after_an_error()
    {
        List<int> ids = [7];
        Trained.Encode("cat".AsSpan(), ids);
        Assert.Equal([7, .. Trained.Encode("cat")], ids);
        Tokenizer letters = new(new WordModel(new Vocabulary(["a", "b", "c"])), splitter: new FixedLengthSplitter(1));
        List<int> kept = [7];
        Assert.Throws<ArgumentException>(() => letters.Encode("abx".AsSpan(), kept));
        Assert.Equal([7], kept);
    }

    private static readonly Lazy<Tokenizer> Abcd = new(() => BpeTrainer.Train(
        ["abcdabcdaabbccddabababacacacadadadaaaaaaaaabacadbcbdcdbbbbbcccccddddd"],
        new BpeTrainerOptions { VocabularySize = 300, MinimumFrequency = 1, SpecialTokens = [] }));

    private static bool IsBroken(int[] ids) => Trained.Decode(ids, skipSpecialTokens: false).Contains('\ufffd');

    private static List<string> NaiveMerge(BpeModel model, string word)
    {
        List<string> pieces = [.. word.Select(c => c.ToString())];
        while (true)
        {
            int best = int.MaxValue, at = -1;
            for (int i = 0; i + 1 < pieces.Count; i++)
                for (int rank = 0; rank < model.Merges.Count && rank < best; rank++)
                    if (model.Merges[rank] == (pieces[i], pieces[i + 1]))
                        (best, at) = (rank, i);
            if (at < 0)
                return pieces;
            pieces[at] += pieces[at + 1];
            pieces.RemoveAt(at + 1);
        }
    }
}
