using Lemma.Formats;
using Lemma.Text;
using Lemma.Text.Splitting;
using Lemma.Text.Templates;
using Lemma.Text.Training;

namespace Lemma.Tests.Text;

/// <summary>Tokenizers as values of a GGUF file, and read back: the same ids.</summary>
/// <remarks><c>LEMMA_GGUF_VOCABULARIES=FOLDER</c> keeps the files there.</remarks>
public sealed class GgufVocabularyWriterTests : IDisposable
{
    private static readonly string[] Texts = ["", " ", "one", "Hello, world! It's 12345 o'clock.\n\n\tTabs  and   spaces ", "naïve café ÆØ Привет мир 中文字符测试 日本語 한국어 👩‍👩‍👧 ½Ⅷ",
        "def f(x):\r\n    return x**2  # snake_case camelCase HTMLParser"];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(WordPattern.Gpt2, "gpt-2")]
    [InlineData(WordPattern.Cl100k, "dbrx")]
    [InlineData(WordPattern.O200k, "gpt-4o")]
    public void ATrainedByteLevelTokenizerKeepsItsWords(WordPattern pattern, string expected)
    {
        BpeTrainerOptions options = new() { VocabularySize = 500, Splitter = PatternSplitter.Of(pattern), SpecialTokens = ["<|begin|>", "<|end|>"] };
        Tokenizer tokenizer = BpeTrainer.Train(Enumerable.Repeat(string.Join(' ', Texts), 5), options);
        ChatTemplate template = ChatTemplate.Parse("{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}", new Dictionary<string, string> { ["bos_token"] = "<|begin|>" });
        int begin = tokenizer.IdOf("<|begin|>")!.Value, end = tokenizer.IdOf("<|end|>")!.Value;
        Dictionary<string, object> values = Kept(tokenizer, tokenizer.VocabularySize + 3, begin, [end], template);
        Assert.Equal(expected, values["tokenizer.ggml.pre"]);
        Assert.Equal((uint)begin, values["tokenizer.ggml.bos_token_id"]);
        Assert.Equal([1, 3, 5], Assert.IsType<int[]>(values["tokenizer.ggml.token_type"]).Distinct().Order());
        ChatTemplate read = ChatTemplate.Load(folder["x.gguf"]);
        Assert.Equal("<|begin|>Hi", read.Render([new ChatMessage("user", "Hi")]));
        Assert.True(ChatTemplate.Exists(folder["x.gguf"]));
        Assert.Equal(template.Text, read.Text);
    }

    [Theory]
    [InlineData("gpt2/tokenizer.json", "gpt2")]
    [InlineData("roberta-base/tokenizer.json", "gpt2")]
    [InlineData("bert-base-uncased/tokenizer.json", "bert")]
    [InlineData("t5-small/tokenizer.json", "t5")]
    [InlineData("llama2/tokenizer.model", "llama")]
    [InlineData("mistral/tokenizer.model.v1", "llama")]
    [InlineData("mistral/mistral_instruct_tokenizer_240323.model.v3", "llama")]
    [InlineData("tiktoken/cl100k_base.tiktoken", "gpt2")]
    [InlineData("tiktoken/o200k_base.tiktoken", "gpt2")]
    [InlineData("qwen/qwen.lf.tiktoken", "gpt2")]
    public void RealTokenizersAreKept(string name, string kind)
    {
        Tokenizer tokenizer = Tokenizer.Load(SharedData.FindOrSkip("data/tokenizers/" + name));
        Assert.Equal(kind, Kept(tokenizer, tokenizer.VocabularySize, tokenizer.IdOf("<s>"), tokenizer.IdOf("</s>") is { } end ? [end] : [], null)["tokenizer.ggml.model"]);
        if (Environment.GetEnvironmentVariable("LEMMA_GGUF_VOCABULARIES") is { } kept)
            File.Copy(folder["x.gguf"], Path.Combine(kept, name.Replace('/', '-') + ".gguf"), overwrite: true);
    }

    [Fact]
    public void WhatTheFormatCannotSayIsRefused()
    {
        Tokenizer letters = CharacterTrainer.Train(["abc"], new CharacterTrainerOptions { VocabularySize = 10, UnknownPiece = "<unk>" });
        Assert.Contains("the format has no kind of tokenizer that gives the ids of this one",
            Assert.Throws<NotSupportedException>(() => letters.ToGguf(10, null, [])).Message, StringComparison.Ordinal);
        Assert.Contains("has too few for the tokenizer", Assert.Throws<ArgumentException>(() => letters.ToGguf(1, null, [])).Message, StringComparison.Ordinal);
    }

    private Dictionary<string, object> Kept(Tokenizer tokenizer, int count, int? begin, IReadOnlyList<int> ends, ChatTemplate? template)
    {
        IReadOnlyList<KeyValuePair<string, object>> values = tokenizer.ToGguf(count, begin, ends, template);
        GgufWriter.Write(folder["x.gguf"], [new("general.architecture", "llama"), .. values], []);
        Tokenizer read = Tokenizer.Load(folder["x.gguf"]);
        Assert.Equal(count, read.VocabularySize);
        foreach (string text in Texts)
        {
            Assert.Equal(tokenizer.Encode(text), read.Encode(text));
            // What SentencePiece says of unknown text a tokenizer.json does not.
            if (tokenizer.Model is not Lemma.Text.Models.UnigramModel)
                Assert.Equal(tokenizer.Decode(tokenizer.Encode(text)), read.Decode(read.Encode(text)));
        }
        return new Dictionary<string, object>(values);
    }
}
