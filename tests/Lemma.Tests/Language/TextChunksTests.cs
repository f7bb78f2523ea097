using Lemma.Language.LongText;
using Lemma.Text;
using Lemma.Text.Models;
using Lemma.Text.Normalization;
using Lemma.Text.Splitting;
using Lemma.Text.Training;

namespace Lemma.Tests.Language;

/// <summary>Chunks of long texts: apart from the overlap no token and no character is lost or doubled.</summary>
public class TextChunksTests
{
    private static readonly Tokenizer Bytes = BpeTrainer.Train(["a small text to learn from, and another one. ", "Die Straße, the sea."],
        new BpeTrainerOptions { VocabularySize = 280 });

    private static readonly Tokenizer Words = new(new WordModel(new Vocabulary(["?", "one", "two", "."]), "?"), normalizer: new LowercaseNormalizer(),
        splitter: new BertSplitter());

    public static TheoryData<string> Made => ["", " ", "\n\n\n", "a", "word", new string('x', 999), new string(' ', 50) + "end", "日本語の文。次の文！「はい。」終わり",
        "Мир 🌍🌍🌍 👩‍👩‍👧‍👦 e\u0301e\u0301 ﷽", "One. Two! Three?\n\nFour.\r\n\r\nFive\u2029Six", "\ud800 lone \udc00 halves \ud83d", Story(40)];

    [Theory, MemberData(nameof(Made))]
    public void NothingIsLostOrDoubledInMadeTexts(string text)
    {
        foreach ((int size, int overlap) in (ReadOnlySpan<(int, int)>)[(1, 0), (2, 1), (3, 2), (7, 0), (16, 5), (100, 99), (100000, 10)])
        {
            Check(text, Bytes, size, overlap);
            Check(text, Words, size, overlap);
        }
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama2")]
    [InlineData("llama2-hf")]
    [InlineData("bert-base-uncased")]
    [InlineData("roberta-base")]
    [InlineData("t5-small")]
    [InlineData("mistral/mistral_instruct_tokenizer_240323.model.v3")]
    [InlineData("qwen/qwen.lf.tiktoken")]
    [InlineData("tiktoken/o200k_base.tiktoken")]
    public void NothingIsLostOrDoubledOfTwoHundredPages(string name)
    {
        Tokenizer tokenizer = Tokenizer.Load(SharedData.FindOrSkip($"data/tokenizers/{name}"));
        // A page has some 3,000 characters.
        string text = File.ReadAllText(SharedData.FindOrSkip("data/corpora/tinyshakespeare.txt"))[..600_000];
        Check(text, tokenizer, 512, 0);
        Check(text, tokenizer, 300, 40);
        foreach (string file in Directory.EnumerateFiles(SharedData.FindOrSkip("data/corpora/udhr"), "*.txt"))
            Check(File.ReadAllText(file), tokenizer, 50, 12);
    }

    [Fact]
    public void ParagraphsThenSentencesThenWordsStayTogether()
    {
        const string text = "One two. Two one two. One.\n\nTwo.\n\nOne one one one. Two two two two two two two.";
        Assert.Equal(24, Words.CountTokens(text));
        Assert.Equal([text], Texts(24));
        Assert.Equal(["One two. Two one two. One.\n\nTwo.", "One one one one. Two two two two two two two."], Texts(15));
        Assert.Equal(["One two. Two one two. One.", "Two.\n\nOne one one one.", "Two two two two two two two."], Texts(9));
        Assert.Equal(["One two. Two one two.", "One.\n\nTwo.", "One one one one.", "Two two two two two two two."], Texts(8));
        Assert.Equal(["One one one one. Two", "two two two two two", "two."], Texts(6)[^3..]);
        Assert.Equal(["One", "two", ".", "Two", "one", "two", ".", "One", "."], Texts(1)[..9]);

        string[] Texts(int size) => [.. TextChunks.ByStructure(text, Words, size).Select(chunk => chunk.Text.Trim())];
    }

    [Fact]
    public void TheOverlapIsOfWholeUnits()
    {
        const string text = "One one. Two. One two two two. Two two. One one one one one one one.";
        Assert.Equal(["One one. Two. One two two two.", "One two two two. Two two.", "two. One one one one one one one."], Texts(5));
        Assert.Equal(["One one. Two. One two two two.", "Two two.", "One one one one one one one."], Texts(0));

        string[] Texts(int overlap) => [.. TextChunks.ByStructure(text, Words, 10, overlap).Select(chunk => chunk.Text.Trim())];
    }

    [Fact]
    public void ByTokensAreAsLongAsTheyMayBe()
    {
        string text = Story(30);
        int all = Bytes.CountTokens(text);
        IReadOnlyList<TextChunk> chunks = TextChunks.ByTokens(text, Bytes, 20, 6);
        Assert.Equal((all - 20 + 13) / 14 + 1, chunks.Count);
        Assert.All(chunks.SkipLast(1).Select((chunk, i) => (chunk, i)), one => Assert.Equal((20, 14 * one.i), (one.chunk.TokenCount, one.chunk.FirstToken)));
    }

    [Theory]
    [InlineData("Mr. J. Smith went (slowly.) He said \"No!\" twice. then", "Mr. |J. Smith went (slowly.) |He said \"No!\" twice. then")]
    [InlineData("He waited... Then e.g. this? Yes.", "He waited... |Then e.g. this? |Yes.")]
    [InlineData("これは。「はい！」次、終", "これは。|「はい！」|次、終")]
    [InlineData("a\nb. B", "a\nb. |B")]
    public void SentencesEndWhereTheRuleSays(string text, string expected)
    {
        List<string> parts = [];
        int from = 0;
        foreach (TextBoundary boundary in TextBoundaries.Of(text).Where(boundary => boundary.Level >= CutLevel.Sentence))
        {
            parts.Add(text[from..boundary.To]);
            from = boundary.To;
        }
        Assert.Equal(expected, string.Join('|', parts.Append(text[from..])));
    }

    [Fact]
    public void WrongSizesAreNamed()
    {
        Assert.Equal("chunks: a chunk must have room for a token, but its size is 0",
            Assert.Throws<ArgumentException>(() => TextChunks.ByTokens("a", Bytes, 0)).Message);
        foreach (int overlap in (int[])[-1, 5])
        {
            Assert.Equal($"chunks: the overlap must be from 0 to 4, one less than a chunk, but it is {overlap}",
                Assert.Throws<ArgumentException>(() => TextChunks.ByStructure("a", Bytes, 5, overlap)).Message);
        }
    }

    private static string Story(int sentences) => string.Concat(Enumerable.Range(0, sentences).Select(i =>
        $"Sentence {i} of it has {i * i % 7} things, and \"ends\"{(i % 3 == 0 ? "!" : ".")}{(i % 5 == 4 ? "\n\n" : " ")}"));

    private static void Check(string text, Tokenizer tokenizer, int size, int overlap)
    {
        int count = tokenizer.EncodeDetailed(text, addSpecialTokens: false).Ids.Count;
        TextCuts cuts = new(text, tokenizer);
        int widest = Enumerable.Range(1, Math.Max(0, cuts.Count - 1)).Select(i => cuts.Token(i) - cuts.Token(i - 1)).DefaultIfEmpty().Max();
        foreach (IReadOnlyList<TextChunk> chunks in (IReadOnlyList<TextChunk>[])
            [TextChunks.ByTokens(text, tokenizer, size, overlap), TextChunks.ByStructure(text, tokenizer, size, overlap)])
        {
            int token = 0, place = 0;
            foreach (TextChunk chunk in chunks)
            {
                Assert.Equal(text.Substring(chunk.Start, chunk.Length), chunk.Text);
                Assert.InRange(chunk.TokenCount, 0, Math.Max(size, widest));
                Assert.InRange(token - chunk.FirstToken, 0, overlap);
                Assert.InRange(chunk.Start, 0, place);
                Assert.Equal(token == chunk.FirstToken, place == chunk.Start);
                Assert.True(chunk.FirstToken + chunk.TokenCount > token || count == 0 || text.Length == 0);
                Assert.True(chunk.Start + chunk.Length > place);
                Assert.False(chunk.Start > 0 && char.IsHighSurrogate(text[chunk.Start - 1]) && char.IsLowSurrogate(text[chunk.Start]));
                (token, place) = (chunk.FirstToken + chunk.TokenCount, chunk.Start + chunk.Length);
            }
            Assert.Equal((text.Length == 0 ? 0 : count, text.Length), (token, place));
        }
    }
}
