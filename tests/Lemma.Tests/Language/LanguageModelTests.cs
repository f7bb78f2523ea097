using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Models;
using Lemma.Tests.Checkpoints;
using Lemma.Tests.Cli;
using Lemma.Tests.Text;
using Lemma.Text.Templates;

namespace Lemma.Tests.Language;

/// <summary>Models with their tokenizers, templates and threads, out of Hugging Face folders and checkpoints of llama2.c.</summary>
public sealed class LanguageModelTests : IDisposable
{
    private const int Ids = 262;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>Bytes, a, b and ab, as llama2.c stores them.</summary>
    internal static byte[] TokenizerBytes => VocabularyFiles.Llama2(Enumerable.Range(0, Ids).Select(id =>
        new VocabularyFiles.Piece(id < 259 ? $"<{id}>" : ((string[])["a", "b", "ab"])[id - 259], -id, 1)));

    [Theory]
    [InlineData("stories260K.bin")]
    [InlineData("")]
    [InlineData("derived-hf")]
    public void Stories260KTellsTheRecordedStoryThroughTheTool(string form)
    {
        string shared = SharedData.FindOrSkip("data/weights/stories260K");
        JsonElement golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(shared, "golden-greedy.json"))).RootElement;
        (int code, string output, string error) = Tool.Run($"generate {Path.Combine(shared, form)} --temperature 0 --tokens 200");
        Assert.Equal((0, ""), (code, error));
        Assert.Equal(golden.GetProperty("expected_stdout_200_steps").GetString()!.Trim() + "\n", output);
    }

    [Theory]
    [InlineData("tok512.bin")]
    [InlineData("tokenizer.bin")]
    public void ACheckpointItsFolderAndAHuggingFaceFolderAreOneModel(string tokenizer)
    {
        string file = WriteLlama2C();
        folder.Write(tokenizer, TokenizerBytes);
        using LanguageModel model = LanguageModel.Load(file, threads: 1), other = LanguageModel.Load(folder[""]);
        Assert.Equal((1, Environment.ProcessorCount), (model.Workers.Count, other.Workers.Count));
        Assert.Null(model.Template);
        Assert.Equal([1], model.Prompt(""));
        Assert.Equal(1, model.Prompt("ab")[0]);
        ModelFolder.Write(folder["written"], model.Decoder);
        model.Tokenizer.Save(Path.Combine(folder["written"], "tokenizer.json"));
        using LanguageModel written = LanguageModel.Load(folder["written"]);
        IReadOnlyList<int> ids = Continue(model);
        Assert.Equal(12, ids.Count);
        Assert.Equal(ids, Continue(other));
        Assert.Equal(ids, Continue(written));
    }

    [Fact]
    public void ATokenizerBesideACheckpointMustBeOne()
    {
        string file = WriteLlama2C();
        Assert.Equal($"tokenizer: beside '{file}' there must be a tokenizer.json, or one file tok*.bin, but there is neither",
            Assert.Throws<FileNotFoundException>(() => LanguageModel.Load(file)).Message);
        folder.Write("tokenizer.bin", TokenizerBytes);
        folder.Write("tok512.bin", TokenizerBytes);
        Assert.Contains("but there are tok512.bin, tokenizer.bin", Assert.Throws<InvalidDataException>(() => LanguageModel.Load(file)).Message,
            StringComparison.Ordinal);
        Lemma.Text.Tokenizer.Load(folder["tok512.bin"]).Save(folder["tokenizer.json"]);
        using LanguageModel model = LanguageModel.Load(file);
        Assert.Equal(Ids, model.Tokenizer.VocabularySize);
    }

    [Fact]
    public void ACheckpointMayBeCalledAsATokenizerIs()
    {
        using Decoder decoder = Llama2CFile.Model(tied: true, Ids);
        string file = folder.Write("token.bin", Llama2CFile.Bytes(decoder));
        folder.Write("tokenizer.bin", TokenizerBytes);
        LanguageModel.Load(file).Dispose();
    }

    [Theory]
    [InlineData("none", "not there")]
    [InlineData("empty", "a folder with neither")]
    [InlineData("notes.txt", "another file")]
    public void WhatIsNeitherIsSaid(string name, string what)
    {
        Directory.CreateDirectory(folder["empty"]);
        folder.Write("notes.txt", "notes");
        string message = Assert.Throws<FileNotFoundException>(() => LanguageModel.Load(folder[name])).Message;
        Assert.Equal($"model: '{folder[name]}' must be a folder with a config.json, a GGUF file, or a checkpoint of llama2.c (a .bin file, or a folder with one), "
            + $"but it is {what}", message);
    }

    [Fact]
    public void FaultsComeOutAsTheyAreAndThatOfTheWeightsFirst()
    {
        string file = WriteLlama2C(), tokenizer = folder.Write("tok512.bin", new byte[3]);
        Assert.StartsWith("tok512.bin: ", Assert.Throws<InvalidDataException>(() => LanguageModel.Load(file)).Message, StringComparison.Ordinal);
        byte[] weights = File.ReadAllBytes(file);
        File.WriteAllBytes(file, weights[..^4]);
        Assert.StartsWith($"{file}: llama2.c: its header asks for", Assert.Throws<InvalidDataException>(() => LanguageModel.Load(file)).Message,
            StringComparison.Ordinal);
        File.WriteAllBytes(tokenizer, TokenizerBytes);
        Assert.StartsWith($"{file}: llama2.c: its header asks for", Assert.Throws<InvalidDataException>(() => LanguageModel.Load(file)).Message,
            StringComparison.Ordinal);
        File.WriteAllBytes(file, weights);
        Assert.Throws<ArgumentException>(() => LanguageModel.Load(file, threads: 0));
        LanguageModel.Load(file).Dispose();
    }

    [Fact]
    public void ATokenizerWithMoreIdsThanTheModelIsRefused()
    {
        using Decoder decoder = Llama2CFile.Model(tied: true, ids: 100);
        string file = folder.Write("model.bin", Llama2CFile.Bytes(decoder));
        folder.Write("tok512.bin", TokenizerBytes);
        Assert.Equal($"{file}: the tokenizer has {Ids} ids, but the model has 100",
            Assert.Throws<InvalidDataException>(() => LanguageModel.Load(file)).Message);
    }

    [Fact]
    public void AFoldersTemplateIsReadAndAPromptBeginsAsADocument()
    {
        using Decoder decoder = Llama2CFile.Model(tied: true, Ids);
        ModelFolder.Write(folder["model"], decoder);
        folder.Write("model/vocab.txt", "[UNK]\n[CLS]\n[SEP]\n[PAD]\n[MASK]\na\nb\n");
        folder.Write("model/chat_template.jinja", "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}");
        using (LanguageModel model = LanguageModel.Load(folder["model"]))
            Assert.Equal("user: a", model.Template!.Render([new ChatMessage("user", "a")]));
        folder.Write("model/chat_template.jinja", "{% for %}");
        Assert.Throws<TemplateException>(() => LanguageModel.Load(folder["model"]));
        File.Delete(folder["model/chat_template.jinja"]);

        Lemma.Text.Tokenizer tokenizer = Lemma.Text.Training.BpeTrainer.Train(["ab"], new() { VocabularySize = 257 });
        tokenizer.Save(folder["model/tokenizer.json"]);
        using (LanguageModel model = LanguageModel.Load(folder["model"]))
            Assert.Contains("needs a prompt", Assert.Throws<ArgumentException>(() => model.Prompt("")).Message, StringComparison.Ordinal);
    }

    private string WriteLlama2C()
    {
        using Decoder decoder = Llama2CFile.Model(tied: false, Ids, length: 32);
        return folder.Write("stories.bin", Llama2CFile.Bytes(decoder));
    }

    private static IReadOnlyList<int> Continue(LanguageModel model)
    {
        using Generator generator = model.NewGenerator();
        return generator.Generate(model.Prompt("ab"), GenerationOptions.Greedy with { MaximumTokens = 12, StopIds = [] });
    }
}
