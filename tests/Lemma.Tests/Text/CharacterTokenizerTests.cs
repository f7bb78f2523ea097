using Lemma.Text;
using Lemma.Text.Training;

namespace Lemma.Tests.Text;

public sealed class CharacterTokenizerTests
{
    [Fact]
    public void Ids_are_characters_in_order_of_code_point()
    {
        Tokenizer tokenizer = CharacterTrainer.Train(["ba\n", "a😀é"]);
        Assert.Equal(["\n", "a", "b", "é", "😀"], Enumerable.Range(0, tokenizer.VocabularySize).Select(tokenizer.PieceOf));
        Assert.Equal([4, 2, 1, 0], tokenizer.Encode("😀ba\n"));
        Assert.Equal("😀ba\n", tokenizer.Decode([4, 2, 1, 0]));
    }

    [Theory]
    [InlineData("abxa", "aba")]
    [InlineData("a\n", "a")]
    [InlineData("<e>😀b", "<e>b")]
    public void An_unknown_character_is_left_out_as_the_peers_do(string text, string known)
    {
        Tokenizer tokenizer = CharacterTrainer.Train(["ab"], new CharacterTrainerOptions { SpecialTokens = ["<e>"] });
        Assert.Equal(known, tokenizer.Decode(tokenizer.Encode(text), skipSpecialTokens: false));
    }

    [Fact]
    public void No_text_is_an_error() =>
        Assert.StartsWith(
            "train: a character-level vocabulary needs text", Assert.Throws<ArgumentException>(() => CharacterTrainer.Train([""])).Message);

    [Fact]
    public void A_saved_tokenizer_is_read_back()
    {
        Tokenizer tokenizer = CharacterTrainer.Train(["hello world\n"], new CharacterTrainerOptions { SpecialTokens = ["<end>"] });
        Tokenizer loaded = TokenizerFileTests.SaveAndLoad(tokenizer);
        Assert.Equal(tokenizer.Encode("hold<end>\n"), loaded.Encode("hold<end>\n"));
        Assert.Equal("hold\n", loaded.Decode(loaded.Encode("hold<end>\n")));
    }
}
