using Lemma.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.Normalization;

namespace Lemma.Tests.Text;

/// <summary>How added tokens are found; the ids are those of Hugging Face tokenizers 0.23.1 for the same file.</summary>
public sealed class AddedTokenTests
{
    private static readonly Tokenizer Marked = new(
        new BpeModel(new Vocabulary(["a", "b", "c", " ", "\n", "<", ">", "l"]), []),
        [
            new AddedToken(8, "<l>") { StripsLeft = true },
            new AddedToken(9, "<r>") { StripsRight = true },
            new AddedToken(10, "ab") { IsSingleWord = true, IsSpecial = false },
            new AddedToken(11, "<l>b") { IsSpecial = false },
            new AddedToken(12, "cc") { IsNormalized = true, IsSpecial = false },
        ],
        normalizer: new ReplaceNormalizer("b", "c"), decoder: new FuseDecoder());

    [Theory]
    [InlineData("a <l> a", new[] { 0, 8, 3, 0 })]
    [InlineData("a \n<l>", new[] { 0, 8 })]
    [InlineData("<r> \n a", new[] { 9, 0 })]
    [InlineData("a<r><l>  <l>", new[] { 0, 9, 8, 8 })]
    [InlineData("ab ab", new[] { 10, 3, 10 })]
    [InlineData("aba ab", new[] { 0, 2, 0, 3, 10 })]
    [InlineData("ab<l>ab", new[] { 10, 8, 10 })]
    [InlineData("<l>b", new[] { 11 })]
    [InlineData("<l>bb", new[] { 11, 2 })]
    [InlineData("<l>a", new[] { 8, 0 })]
    [InlineData("bc", new[] { 12 })]
    [InlineData("abb", new[] { 0, 12 })]
    [InlineData("a<", new[] { 0, 5 })]
    [InlineData("<r> <l>", new[] { 9, 8 })]
    [InlineData("  <l>  <l>b", new[] { 8, 3, 3, 11 })]
    public void Are_found_as_the_peer_finds_them(string text, int[] ids)
    {
        Assert.Equal(ids, Marked.Encode(text));
        Assert.Equal(ids, TokenizerFileTests.SaveAndLoad(Marked).Encode(text));
    }

    [Fact]
    public void Only_special_ones_are_skipped()
    {
        Assert.Equal("aabcc", Marked.Decode([8, 0, 10, 12]));
        Assert.Equal("<l>aabcc", Marked.Decode([8, 0, 10, 12], skipSpecialTokens: false));
    }

    [Theory]
    [InlineData(3, "x", "added token: the id 3 of 'x' is that of the piece ' '")]
    [InlineData(9, "a", "added token: 'a' has the id 9, but 0 in the vocabulary")]
    [InlineData(9, "", "added token: the token of the id 9 must have text, but is empty")]
    [InlineData(-1, "x", "added token: the id of 'x' must be in 0 to 65572, but is -1")]
    public void Must_agree_with_the_vocabulary(int id, string content, string message) =>
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => new Tokenizer(Marked.Model, [new AddedToken(id, content)])).Message);
}
