using Lemma.Text;
using Lemma.Text.Models;
using Lemma.Text.Splitting;

namespace Lemma.Tests.Text;

/// <summary>Rank files: every merge is found, and broken ones are told by their place.</summary>
public sealed class TiktokenFileTests
{
    private static readonly string[] Bytes = [.. Enumerable.Range(0, 256).Select(static id => Line([(byte)id], id))];

    [Fact]
    public void EverySplitOfAPieceIntoTwoIsAMerge()
    {
        Random random = new(7);
        HashSet<string> words = [];
        while (words.Count < 400)
            words.Add(new string([.. Enumerable.Range(0, random.Next(2, 36)).Select(_ => random.Next(8) == 0 ? 'b' : 'a')]));
        Vocabulary vocabulary = Load(
            [.. Bytes, .. words.Select((word, i) => Line([.. word.Select(static c => (byte)c)], 256 + i))]).Model.Vocabulary;
        List<(string, string)> expected = [];
        foreach (string word in words)
            expected.AddRange(Enumerable.Range(1, word.Length - 1).Select(at => (word[..at], word[at..]))
                .Where(pair => vocabulary.IdOf(pair.Item1) >= 0 && vocabulary.IdOf(pair.Item2) >= 0)
                .OrderBy(pair => vocabulary.IdOf(pair.Item1)));
        Assert.InRange(expected.Count, 400, int.MaxValue);
        Assert.Equal(expected, Lemma.Text.Models.ByteLevel.AllSplits.Of(vocabulary));
    }

    [Theory]
    [InlineData("YWI= 300\nYWM= 300", "line 258 has the rank 300, which an earlier line has")]
    [InlineData("YWI= 300\nYWI= 301", "the piece 'ab' occurs twice, with the ids 300 and 301")]
    [InlineData("YWI= 2000000000", "line 257 must have a rank in 0 to")]
    [InlineData("YWI= -1", "line 257 must be a piece in base 64, a space and a rank")]
    [InlineData("YWI 300", "line 257 must start with a piece in base 64")]
    public void ABrokenLineIsToldByItsPlace(string lines, string message)
    {
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Load([.. Bytes, lines]));
        Assert.StartsWith("a.tiktoken: ", error.Message);
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void AMissingByteIsToldByItsNumber()
    {
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Load([.. Bytes.Where(static (_, id) => id != 7)]));
        Assert.Contains("has not the byte 7", error.Message);
    }

    [Fact]
    public void SpecialTokensStandInTheFileBeside()
    {
        using TemporaryFolder folder = new();
        folder.Write("tokenizer_config.json", """
            {"added_tokens_decoder": {"300": {"content": "<|call|>", "special": true}, "301": {"content": "<|end|>", "special": true}}}
            """);
        Tokenizer tokenizer = Tokenizer.LoadTiktoken(folder.Write("a.tiktoken", string.Join('\n', Bytes)), WordPattern.Gpt2);
        Assert.Equal([300, 'a', 301], tokenizer.Encode("<|call|>a<|end|>"));
        Assert.Equal("a", tokenizer.Decode([300, 'a', 301]));
        Assert.Equal(["<|other|>"], Tokenizer.LoadTiktoken(folder["a.tiktoken"], WordPattern.Gpt2, [new AddedToken(300, "<|other|>")])
            .AddedTokens.Select(static token => token.Content));
        folder.Write("tokenizer_config.json", """{"added_tokens_decoder": {"three": {"content": "<|call|>"}}}""");
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Tokenizer.LoadTiktoken(folder["a.tiktoken"], WordPattern.Gpt2));
        Assert.Contains("tokenizer_config.json: ", error.Message);
    }

    private static string Line(byte[] piece, int id) => $"{Convert.ToBase64String(piece)} {id}";

    private static Tokenizer Load(string[] lines)
    {
        using TemporaryFolder folder = new();
        return Tokenizer.LoadTiktoken(folder.Write("a.tiktoken", string.Join('\n', lines)), WordPattern.Gpt2);
    }
}
