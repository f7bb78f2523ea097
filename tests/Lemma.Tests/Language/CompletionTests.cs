using Lemma.Checkpoints;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Language.LongText;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Text;

namespace Lemma.Tests.Language;

/// <summary>One continuation, several and the likeliest, of a decoder and of a model with an encoder.</summary>
public sealed class CompletionTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private static readonly GenerationOptions Draws = ChatModel.Options(24) with
    {
        // Almost as likely as each other, b and ab alone.
        Steps = [.. ChatModel.Options(24).Steps!, new Temperature(100)],
        LogProbabilities = null,
        Seed = 5,
    };

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SeveralAreThoseOfTheNextSeeds(bool hasEncoder)
    {
        using LanguageModel model = Load(hasEncoder);
        IReadOnlyList<Completion> all = model.CompleteSeveral("ab b", 3, Draws);
        Assert.Equal(3, all.Select(one => one.Text).Distinct().Count());
        for (int i = 0; i < 3; i++)
        {
            GenerationOptions own = Draws with { Seed = Draws.Seed + (ulong)i };
            Assert.Equal(string.Concat(model.Complete("ab b", own)), all[i].Text);
            Completion alone = Assert.Single(model.CompleteSeveral("ab b", 1, own));
            Assert.Equal((alone.Text, alone.Stop, alone.Score), (all[i].Text, all[i].Stop, all[i].Score));
            Assert.Equal(alone.Ids, all[i].Ids);
            Assert.Empty(all[i].Choices);
        }
    }

    [Fact]
    public void ATextThatStopsEndsAloneAndTheOthersGoOn()
    {
        using LanguageModel model = Load(hasEncoder: false);
        IReadOnlyList<Completion> whole = model.CompleteSeveral("ab b", 3, Draws);
        string stop = whole[1].Text[3..6];
        IReadOnlyList<Completion> cut = model.CompleteSeveral("ab b", 3, Draws with { StopTexts = [stop] });
        Assert.Equal((whole[1].Text[..whole[1].Text.IndexOf(stop, StringComparison.Ordinal)], stop), (cut[1].Text, cut[1].Stop));
        Assert.True(cut[1].Ids.Count < whole[1].Ids.Count);
        foreach (int other in (int[])[0, 2])
        {
            int at = whole[other].Text.IndexOf(stop, StringComparison.Ordinal);
            Assert.Equal(at < 0 ? whole[other].Text : whole[other].Text[..at], cut[other].Text);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void EachIdIsToldWithItsLogProbability(bool hasEncoder)
    {
        using LanguageModel model = Load(hasEncoder);
        IReadOnlyList<Completion> all = model.CompleteSeveral("ab b", 2, Draws with { LogProbabilities = 4 });
        using Generator generator = model.NewGenerator();
        foreach ((Completion one, int i) in all.Select((one, i) => (one, i)))
        {
            Assert.Equal(one.Ids, one.Choices.Select(choice => choice.Chosen.Id));
            (SequenceState state, int[] prompt) = model.Begin(model.Prompt("ab b"));
            using (state)
                generator.Start(state, prompt, Draws with { Seed = Draws.Seed + (ulong)i, LogProbabilities = 4 });
            foreach (TokenChoice choice in one.Choices)
            {
                Assert.True(generator.TryNext(out _));
                Assert.Equal(generator.Chosen(), choice.Chosen);
                Assert.Equal(generator.Likeliest().ToArray(), choice.Likeliest);
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheLikeliestAreThoseOfTheSearch(bool hasEncoder)
    {
        using LanguageModel model = Load(hasEncoder);
        BeamOptions options = new() { Beams = 3, MaximumTokens = 7, LengthPenalty = 0.6 };
        IReadOnlyList<Completion> found = model.Search("ab b", options);
        (SequenceState state, int[] prompt) = model.Begin(model.Prompt("ab b"));
        using SequenceState owned = state;
        IReadOnlyList<Beam> beams = BeamSearch.Run((IContinuingModel)model.Model, model.Workers, owned, prompt, options with { Ids = model.Tokenizer.VocabularySize });
        Assert.Equal(3, found.Count);
        for (int i = 0; i < found.Count; i++)
        {
            Assert.Equal(beams[i].Ids, found[i].Ids);
            Assert.Equal(beams[i].Score, found[i].Score);
            Assert.NotEmpty(found[i].Text);
        }
        Assert.Throws<OperationCanceledException>(() => model.Search("ab b", options, new CancellationToken(canceled: true)));
        Assert.Throws<OperationCanceledException>(() => model.CompleteSeveral("ab b", 2, Draws, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void AnEncoderReadsThePromptAndTheDecoderAnswers()
    {
        using LanguageModel model = Load(hasEncoder: true);
        EncoderDecoder both = Assert.IsType<EncoderDecoder>(model.Model);
        int[] source = model.Prompt("ab b");
        using Tape tape = new(model.Workers, both.Parameters) { Recording = false };
        using SequenceState state = both.NewStates(tape, Rows.One(source))[0];
        using Generator generator = model.NewGenerator();
        generator.Start(state, new[] { both.Config.DecoderBeginId }, GenerationOptions.Greedy with { MaximumTokens = 12 });
        List<int> ids = [];
        while (generator.TryNext(out int id))
            ids.Add(id);
        Completion one = Assert.Single(model.CompleteSeveral("ab b", 1, GenerationOptions.Greedy with { MaximumTokens = 12 }));
        Assert.Equal(ids, one.Ids);
        GenerationOptions told = GenerationOptions.Greedy with { MaximumTokens = 1, LogProbabilities = 1 };
        Assert.NotEqual(model.CompleteSeveral("ab b", 1, told)[0].Choices[0].Chosen.LogProbability,
            model.CompleteSeveral("b ab ab", 1, told)[0].Choices[0].Chosen.LogProbability);
    }

    [Fact]
    public void AModelWithAnEncoderSummarizesAndDoesNotTalk()
    {
        using LanguageModel model = Load(hasEncoder: true);
        Summarizer summarizer = new(model, new SummarizerOptions
        {
            PiecePrompt = "{text} ab",
            MergePrompt = "{text} ab",
            PieceTokens = 60,
            Generation = GenerationOptions.Greedy with { MaximumTokens = 2 },
        });
        string text = string.Concat(Enumerable.Range(0, 30).Select(i => $"Part {i} tells of {i * i % 11} things. "));
        Summary summary = summarizer.Summarize(text, folder["kept.json"]);
        Assert.True(summary.Levels.Count >= 2);
        Assert.Equal(summary.Text, summarizer.Summarize(text, folder["kept.json"]).Text);
        Assert.Contains("no decoder alone", Assert.Throws<InvalidOperationException>(() => model.NewConversation()).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => model.NewDraft());
    }

    [Fact]
    public void AnEncoderWritesNothing()
    {
        EncoderConfig config = (EncoderConfig)ModelFolder.ReadConfig(Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", "bert"));
        using Encoder encoder = new(config with { Stack = WithBytes(config.Stack) });
        WriteFolder("bert", encoder, folder);
        Assert.Contains("is an encoder; to continue a text a decoder is needed",
            Assert.Throws<InvalidDataException>(() => LanguageModel.Load(folder["bert"])).Message, StringComparison.Ordinal);
    }

    private LanguageModel Load(bool hasEncoder) => hasEncoder ? LanguageModel.Load(WriteEncoderDecoder(folder), threads: 2)
        : ChatModel.Load(folder, 300, template: null);

    /// <summary>A small T5 with a tokenizer of bytes, a, b and ab.</summary>
    internal static string WriteEncoderDecoder(TemporaryFolder folder)
    {
        EncoderDecoderConfig config = (EncoderDecoderConfig)ModelFolder.ReadConfig(Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", "t5"));
        using EncoderDecoder model = new(config with { Encoder = WithBytes(config.Encoder), Decoder = WithBytes(config.Decoder) });
        model.Initialize(8);
        return WriteFolder("both", model, folder);
    }

    private static StackConfig WithBytes(StackConfig stack) => stack with { Embedding = stack.Embedding with { VocabularySize = 262 } };

    private static string WriteFolder(string name, Model model, TemporaryFolder folder)
    {
        ModelFolder.Write(folder[name], model);
        folder.Write("tok512.bin", LanguageModelTests.TokenizerBytes);
        Tokenizer.Load(folder["tok512.bin"]).Save(Path.Combine(folder[name], "tokenizer.json"));
        return folder[name];
    }
}
