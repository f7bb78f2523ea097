using CsCheck;
using Lemma.Text;
using Lemma.Text.Models;
using Lemma.Text.Training;

namespace Lemma.Tests.Text;

/// <summary>Encodings in which merges are passed over by chance.</summary>
public sealed class BpeDropoutTests
{
    private static readonly Tokenizer Trained = BpeTrainer.Train(
        ["the cat sat on the mat; the cats' mats sat. abababab abab ab 猫は猫"], new BpeTrainerOptions { VocabularySize = 330 });

    private static readonly Gen<string> Texts = Gen.OneOf("the", " cat", "abab", " ", "猫は", "mat", "x", "<|endoftext|>").Array[0, 40].Select(string.Concat);

    [Fact]
    public void Any_share_gives_the_text_back_and_a_seed_the_same_ids() =>
        Gen.Select(Texts, Gen.Int[0, 100], Gen.Double[0, 1]).Sample((text, seed, share) =>
        {
            int[] ids = Trained.EncodeWithDropout(text, seed, share);
            Assert.Equal(ids, Trained.EncodeWithDropout(text, seed, share));
            Assert.Equal(text, Trained.Decode(ids, skipSpecialTokens: false));
            Assert.True(ids.Length >= Trained.Encode(text).Length);
        });

    [Fact]
    public void Nothing_is_passed_over_at_zero_and_everything_at_one() => Texts.Sample(text =>
    {
        Assert.Equal(Trained.Encode(text), Trained.EncodeWithDropout(text, 1, 0));
        Assert.Equal(Trained.Encode(text), Trained.EncodeWithDropout(text, 1));
        Assert.DoesNotContain(Trained.EncodeWithDropout(text, 1, 1), id => id > 256);
    });

    /// <summary>With the merges ab (first) and bc, "abc" is a bc where ab is passed over and bc is not, before the next merge.</summary>
    [Fact]
    public void Ways_are_drawn_as_often_as_they_are_probable()
    {
        const double Share = 0.3;
        Tokenizer tokenizer = new(new BpeModel(new Vocabulary(["a", "b", "c", "ab", "bc"]), [("a", "b"), ("b", "c")]));
        Dictionary<string, int> drawn = [];
        for (int seed = 0; seed < 20_000; seed++)
        {
            string way = string.Join(' ', tokenizer.EncodeWithDropout("abc", seed, Share).Select(tokenizer.PieceOf));
            drawn[way] = drawn.GetValueOrDefault(way) + 1;
        }
        Assert.InRange(drawn["ab c"] / 20_000.0, 1 - Share - 0.015, 1 - Share + 0.015);
        Assert.InRange(drawn["a bc"] / 20_000.0, (Share * (1 - Share)) - 0.015, (Share * (1 - Share)) + 0.015);
        Assert.InRange(drawn["a b c"] / 20_000.0, (Share * Share) - 0.015, (Share * Share) + 0.015);
        Assert.Equal(3, drawn.Count);
    }

    [Fact]
    public void The_share_of_a_file_is_kept_and_used_when_asked_for_only()
    {
        BpeModel model = (BpeModel)Trained.Model;
        Tokenizer tokenizer = TokenizerFileTests.SaveAndLoad(new Tokenizer(
            new BpeModel(model.Vocabulary, model.Merges, new BpeOptions { Dropout = 0.5 }), Trained.AddedTokens, splitter: Trained.Splitter));
        Assert.Equal(0.5, ((BpeModel)tokenizer.Model).Options.Dropout);
        const string Text = "the cat sat on the mat";
        Assert.Equal(Trained.Encode(Text), tokenizer.Encode(Text));
        Assert.Equal(Trained.EncodeWithDropout(Text, 7, 0.5), tokenizer.EncodeWithDropout(Text, 7));
        Assert.NotEqual(Trained.Encode(Text), tokenizer.EncodeWithDropout(Text, 7));
    }

    [Fact]
    public void Wrong_shares_and_other_models_are_refused()
    {
        Assert.Equal("encode: the dropout must be in 0 to 1, but is 1.5",
            Assert.Throws<ArgumentException>(() => Trained.EncodeWithDropout("a", 1, 1.5)).Message);
        Assert.Equal("encode: only BPE has dropout, but the model is WordModel",
            Assert.Throws<ArgumentException>(() => WordTrainer.Train(["a b"]).EncodeWithDropout("a", 1, 0.1)).Message);
    }
}
