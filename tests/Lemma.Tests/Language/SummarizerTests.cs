using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Language.LongText;
using Lemma.Text.Templates;

namespace Lemma.Tests.Language;

/// <summary>Summaries of long texts: levels, ends, interruptions and files of finished pieces.</summary>
public sealed class SummarizerTests : IDisposable
{
    private static readonly string Text = string.Concat(Enumerable.Range(0, 40).Select(i => $"Part {i} tells of {i * i % 11} things.{(i % 6 == 5 ? "\n\n" : " ")}"));

    private static readonly SummarizerOptions Options = new() { PiecePrompt = "{text}:", MergePrompt = "{text};", Generation = ChatModel.Options(4) };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void PiecesCoverTheTextAndEveryLevelHasFewer()
    {
        using LanguageModel model = ChatModel.Load(folder, 96, template: null);
        Summary summary = new Summarizer(model, Options).Summarize(Text);
        Assert.Equal(Text, string.Concat(summary.Levels[0].Select(piece => piece.Chunk.Text)));
        Assert.True(summary.Levels.Count > 2);
        for (int level = 1; level < summary.Levels.Count; level++)
        {
            Assert.True(4 * summary.Levels[level].Count <= 3 * summary.Levels[level - 1].Count);
            Assert.Equal(string.Join("\n\n", summary.Levels[level - 1].Select(piece => piece.Text)),
                string.Concat(summary.Levels[level].Select(piece => piece.Chunk.Text)));
        }
        Assert.Equal(summary.Levels[^1].Single().Text, summary.Text);
        foreach (SummaryPiece piece in summary.Levels[0])
            Assert.Equal(string.Concat(model.Complete(piece.Chunk.Text.Trim() + ":", Options.Generation)).Trim(), piece.Text);
        Assert.Equal(string.Concat(model.Complete(summary.Levels[^1][0].Chunk.Text.Trim() + ";", Options.Generation)).Trim(), summary.Text);
    }

    [Fact]
    public void AShortTextIsSummarizedAtOnce()
    {
        using LanguageModel model = ChatModel.Load(folder, 96, template: null);
        Summary summary = new Summarizer(model, Options with { MaximumLevels = 1 }).Summarize(" A short one. ");
        Assert.Equal((1, 1), (summary.Levels.Count, summary.Levels[0].Count));
        Assert.NotEqual("", summary.Text);
    }

    [Fact]
    public void TheChatTemplateAsks()
    {
        using LanguageModel model = ChatModel.Load(folder, 256);
        string prompt = model.Template!.Render([new ChatMessage("user", "In 7 words: a story")], new ChatOptions { AddGenerationPrompt = true });
        using Generator generator = model.NewGenerator();
        TextStream stream = new(generator, model.Tokenizer, model.Tokenizer.Encode(prompt, addSpecialTokens: false), Options.Generation!);
        Assert.Equal(string.Concat(stream.Pieces()).Trim(),
            new Summarizer(model, Options with { PiecePrompt = "In {words} words: {text}", Words = 7 }).Summarize("a story").Text);
        Assert.Throws<TemplateException>(() => new Summarizer(model, Options with { PiecePrompt = "{text}" }).Summarize("nothing"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(11)]
    public void WhatWasCancelledGoesOnToTheUninterruptedSummary(int pieces)
    {
        using LanguageModel model = ChatModel.Load(folder, 96, template: null);
        Summarizer summarizer = new(model, Options);
        Recorder all = new();
        Summary whole = summarizer.Summarize(Text, progress: all);
        Assert.Equal(whole.Levels.SelectMany((level, i) => Enumerable.Range(0, level.Count + 1).Select(done => new SummaryProgress(i + 1, done, level.Count))),
            all.Reports);

        string path = folder["pieces.json"];
        using CancellationTokenSource source = new();
        int finished = 0;
        Recorder recorder = new(report =>
        {
            finished += report.Done > 0 ? 1 : 0;
            if (finished == pieces)
                source.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => summarizer.Summarize(Text, path, recorder, source.Token));
        Assert.Equal(pieces, Pieces(path).Count);
        Equal(whole, summarizer.Summarize(Text, path));
        Assert.Equal(Distinct(whole), Pieces(path).Count);
        // A third call writes nothing, and with other threads the pieces are known as well.
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
        using LanguageModel other = LanguageModel.Load(folder["model.bin"], threads: 2);
        Equal(whole, new Summarizer(other, Options).Summarize(Text, path));
        Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(path));
        Assert.False(File.Exists(path + ".partial"));
    }

    [Fact]
    public void AFinishedPieceServesTheSameInputAlone()
    {
        string path = folder["pieces.json"];
        using (LanguageModel model = ChatModel.Load(folder, 256, template: null))
        {
            new Summarizer(model, Options).Summarize("a text", path);
            string key = Pieces(path).Single().Key;
            File.WriteAllText(path, $$"""{"lemma_summaries": 1, "pieces": {"{{key}}": "kept" } }""");
            Assert.Equal("kept", Of(model, "a text", Options));
            Assert.NotEqual("kept", Of(model, "a text.", Options));
            Assert.NotEqual("kept", Of(model, "a text", Options with { PiecePrompt = "{text}." }));
            foreach (GenerationOptions generation in (GenerationOptions[])[Options.Generation! with { Seed = 2 }, Options.Generation with { MaximumTokens = 5 },
                Options.Generation with { StopTexts = ["x"] }, Options.Generation with { StopIds = [3] },
                Options.Generation with { Steps = [.. Options.Generation.Steps!, new Temperature(0.5)] }, Options.Generation with { Steps = [new BannedIds([5])] }])
                Assert.NotEqual("kept", Of(model, "a text", Options with { Generation = generation }));
            Assert.Equal("kept", Of(model, "a text", Options with { PieceTokens = 50, MergePrompt = "merge {text}" }));
        }
        using (LanguageModel model = LanguageModel.Load(folder["model.bin"]))
            Assert.Equal("kept", Of(model, "a text", Options));
        byte[] weights = File.ReadAllBytes(folder["model.bin"]);
        // A number of the feed-forward's matrices is another.
        weights[^6998] ^= 0x40;
        File.WriteAllBytes(folder["model.bin"], weights);
        using (LanguageModel model = LanguageModel.Load(folder["model.bin"]))
            Assert.NotEqual("kept", Of(model, "a text", Options));
        using (LanguageModel model = ChatModel.Load(folder, 256))
            Assert.NotEqual("kept", Of(model, "a text", Options));

        string Of(LanguageModel model, string text, SummarizerOptions options) => new Summarizer(model, options).Summarize(text, path).Text;
    }

    [Theory]
    [InlineData("", "the file must be JSON")]
    [InlineData("[]", "must be an object")]
    [InlineData("{}", "lemma_summaries must be 1")]
    [InlineData("""{"lemma_summaries": 2}""", "lemma_summaries must be 1")]
    [InlineData("""{"lemma_summaries": 1}""", "pieces must be an object, but is missing")]
    [InlineData("""{"lemma_summaries": 1, "pieces": {"a": 1}}""", "pieces.a must be a text, but is 1")]
    [InlineData("""{"lemma_summaries": 1, "pieces": {"a": "x", "a": "y"}}""", "the key 'a' occurs twice")]
    public void AnotherFileIsRefused(string content, string says)
    {
        using LanguageModel model = ChatModel.Load(folder, 96, template: null);
        string path = folder.Write("pieces.json", content);
        string message = Assert.Throws<InvalidDataException>(() => new Summarizer(model, Options).Summarize("a", path)).Message;
        Assert.StartsWith($"{path}: ", message, StringComparison.Ordinal);
        Assert.Contains(says, message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(path));
    }

    [Fact]
    public void WhereNothingCanBeWrittenIsToldBeforeTheWork()
    {
        using LanguageModel model = ChatModel.Load(folder, 96, template: null);
        Recorder recorder = new();
        Assert.Throws<DirectoryNotFoundException>(() => new Summarizer(model, Options).Summarize("a", folder["none/pieces.json"], recorder));
        Assert.Empty(recorder.Reports);
    }

    [Fact]
    public void SummariesThatDoNotGetFewerHaveAnEnd()
    {
        using LanguageModel model = ChatModel.Load(folder, 96, template: null);
        // A summary of 40 tokens and pieces of 40: two never fit one piece.
        SummarizerOptions options = Options with { Generation = ChatModel.Options(40), PieceTokens = 40 };
        Assert.StartsWith("summary: each level must have at most three quarters of the pieces below, but level 2 has ",
            Assert.Throws<SummaryException>(() => new Summarizer(model, options).Summarize(Text)).Message, StringComparison.Ordinal);
        Assert.StartsWith("summary: the last level, 2, must have one piece, but it has ",
            Assert.Throws<SummaryException>(() => new Summarizer(model, Options with { PieceTokens = 30, MaximumLevels = 2 }).Summarize(Text)).Message,
            StringComparison.Ordinal);
        Assert.StartsWith("summary: at most 1 levels may be, but the ",
            Assert.Throws<SummaryException>(() => new Summarizer(model, Options with { MaximumLevels = 1 }).Summarize(Text)).Message, StringComparison.Ordinal);
        GenerationOptions silent = Options.Generation! with { StopIds = [.. Enumerable.Range(0, 262)] };
        Assert.Equal("summary: the model said nothing about any of the 1 pieces of level 1",
            Assert.Throws<SummaryException>(() => new Summarizer(model, Options with { Generation = silent }).Summarize("a")).Message);
        Assert.Equal(2, new Summarizer(model, Options with { MaximumLevels = 2 }).Summarize(Text[..400]).Levels.Count);
    }

    [Fact]
    public void WrongOptionsAreNamed()
    {
        using LanguageModel model = ChatModel.Load(folder, 96, template: null);
        Says("a prompt must have {text} once, but it is 'no place'", Options with { PiecePrompt = "no place" });
        Says("a prompt must have {text} once, but it is '{text} and {text}'", Options with { MergePrompt = "{text} and {text}" });
        Says("the words to ask for must be positive, but they are 0", Options with { Words = 0 });
        Says("the most levels must be positive, but they are 0", Options with { MaximumLevels = 0 });
        Says("it must have room for a token, but the most are 0", Options with { Generation = ChatModel.Options(0) });
        Says("but it is to have 0", Options with { PieceTokens = 0 });
        Says("but it is to have 95", Options with { PieceTokens = 95 });
        Says("the longest sequence of 96 tokens has no room for a piece", Options with { Generation = ChatModel.Options(94) });
        Says("the overlap must be from 0 to 19", Options with { PieceTokens = 20, Overlap = 20 });
        Says("its 2 characters are white space", Options, " \n");

        void Says(string what, SummarizerOptions options, string text = "a") => Assert.Contains(what,
            Assert.ThrowsAny<ArgumentException>(() => new Summarizer(model, options).Summarize(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TwoHundredPagesAreSummarizedInterruptedAndAllTheSame()
    {
        string weights = SharedData.FindOrSkip("data/weights/stories260K");
        // A page has some 3,000 characters.
        string text = File.ReadAllText(SharedData.FindOrSkip("data/corpora/tinystories-sample.txt"))[..600_000], path = folder["pieces.json"];
        using LanguageModel model = LanguageModel.Load(weights);
        GenerationOptions generation = GenerationOptions.Greedy with { MaximumTokens = 24 };
        Summarizer summarizer = new(model, new SummarizerOptions { PiecePrompt = "{text}\n", MergePrompt = "{text}\n", Generation = generation });
        using CancellationTokenSource source = new();
        Recorder recorder = new(report =>
        {
            if (report.Done == 100)
                source.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => summarizer.Summarize(text, path, recorder, source.Token));
        Assert.Equal(text, string.Concat(TextChunks.ByStructure(text, model.Tokenizer, 400).Select(chunk => chunk.Text)));
        string[] kept = [.. Pieces(path).Keys];
        Assert.InRange(kept.Length, 90, 100);
        Summary summary = summarizer.Summarize(text, path);
        Assert.InRange(summary.Levels.Count, 3, 5);
        Assert.True(summary.Levels[0].Count > 300);
        Assert.NotEqual("", summary.Text);
        Assert.Equal(kept, Pieces(path).Keys.Take(kept.Length));
    }

    private static int Distinct(Summary summary) => summary.Levels.Sum(level => level.Select(piece => piece.Chunk.Text).Distinct().Count());

    private static Dictionary<string, string> Pieces(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.GetProperty("pieces").EnumerateObject().ToDictionary(piece => piece.Name, piece => piece.Value.GetString()!);
    }

    private static void Equal(Summary expected, Summary actual)
    {
        Assert.Equal(expected.Text, actual.Text);
        Assert.Equal(expected.Levels, actual.Levels);
    }

    private sealed class Recorder(Action<SummaryProgress>? then = null) : IProgress<SummaryProgress>
    {
        public List<SummaryProgress> Reports { get; } = [];

        public void Report(SummaryProgress value)
        {
            Reports.Add(value);
            then?.Invoke(value);
        }
    }
}
