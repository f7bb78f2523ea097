using Lemma.Decoding;
using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Text.Templates;

namespace Lemma.Tests.Language;

/// <summary>Texts of an engine are those of the model alone, whatever else it writes.</summary>
public sealed class LanguageEngineTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    // Almost as likely as each other, b and ab alone.
    private static readonly GenerationOptions Draws = ChatModel.Options(24) with
    {
        Steps = [.. ChatModel.Options(24).Steps!, new Temperature(100)],
        Seed = 5,
    };

    private sealed record Slow : LogitStep
    {
        public override void Apply(Candidates candidates, in DrawContext context) => Thread.Sleep(5);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task ManyTextsAreThoseOfTheModelAlone()
    {
        using LanguageModel model = ChatModel.Load(folder, 256);
        int[] prompt = model.Prompt("ab b");
        string stop = model.CompleteSeveral("ab b", 1, Draws with { Seed = 6 })[0].Text[3..6];
        (GenerationOptions Options, int Count)[] asked = [.. Enumerable.Range(0, 20).Select(i =>
            (Draws with { Seed = (ulong)i, StopTexts = i % 2 == 0 ? [stop] : [], LogProbabilities = i % 3 == 0 ? 2 : null }, 1 + i % 3))];
        IReadOnlyList<Completion>[] expected = [.. asked.Select(one => model.CompleteSeveral("ab b", one.Count, one.Options))];
        Assert.Contains(expected, texts => texts.Any(text => text.Stop is not null));
        using LanguageEngine engine = new(model, new BatcherOptions { MostSequences = 9 });
        await Task.WhenAll(asked.Select((one, i) => Task.Run(async () =>
        {
            TextRequest request = engine.Submit(prompt, one.Options, one.Count);
            Assert.Equal(one.Count, request.Count);
            string[] texts = [.. Enumerable.Repeat("", one.Count)];
            List<int>[] ids = [.. texts.Select(_ => new List<int>())];
            List<TokenChoice>[] choices = [.. texts.Select(_ => new List<TokenChoice>())];
            TextUpdate[] ends = new TextUpdate[one.Count];
            await foreach (TextUpdate update in request.ReadAsync(TestContext.Current.CancellationToken))
            {
                texts[update.Sequence] += update.Text;
                if (update.Id is { } id)
                    ids[update.Sequence].Add(id);
                if (update.Choice is { } choice)
                    choices[update.Sequence].Add(choice);
                if (update.End is not null)
                    ends[update.Sequence] = update;
            }
            for (int text = 0; text < one.Count; text++)
            {
                Completion alone = expected[i][text];
                Assert.Equal((alone.Text, alone.Stop), (texts[text], ends[text].Stop));
                Assert.Equal(alone.Ids, ids[text]);
                Assert.Equal(alone.Choices.Select(choice => choice.Chosen), choices[text].Select(choice => choice.Chosen));
                Assert.Equal(alone.Choices.SelectMany(choice => choice.Likeliest), choices[text].SelectMany(choice => choice.Likeliest));
                Assert.Equal(alone.Stop is null ? TextEnd.Length : TextEnd.Stop, ends[text].End);
            }
            Assert.Equal((prompt.Length, expected[i].Sum(alone => alone.Ids.Count)), (request.Usage.Prompt, request.Usage.Made));
        }, TestContext.Current.CancellationToken)));
        for (int i = 0; engine.Counts is not { Running: 0, Ended: 20 }; i++)
        {
            Assert.True(i < 3000, $"{engine.Counts}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task AConversationIsRenderedAndItsBeginningKept()
    {
        using LanguageModel model = ChatModel.Load(folder, 256);
        using LanguageEngine engine = new(model);
        int[] first = engine.Prompt([new ChatMessage("user", "ab")]);
        Assert.Equal("user: ab\nassistant: ", engine.Render([new ChatMessage("user", "ab")]));
        TextRequest one = engine.Submit(first, Draws with { LogProbabilities = null });
        string answer = "";
        await foreach (TextUpdate update in one.ReadAsync(TestContext.Current.CancellationToken))
            answer += update.Text;
        TextRequest two = engine.Submit(engine.Prompt([new ChatMessage("user", "ab"), new ChatMessage("assistant", answer), new ChatMessage("user", "b")]), Draws);
        await foreach (TextUpdate _ in two.ReadAsync(TestContext.Current.CancellationToken)) { }
        Assert.True(two.Usage.Cached > first.Length, $"{two.Usage} behind {first.Length}");
    }

    [Fact]
    public async Task WrongUseAndEndsAreSaid()
    {
        using LanguageModel model = ChatModel.Load(folder, 64, template: null);
        LanguageEngine engine = new(model);
        Assert.Contains("no chat template", Assert.Throws<InvalidOperationException>(() => engine.Prompt([new ChatMessage("user", "a")])).Message);
        Assert.Contains("must not be empty", Assert.Throws<ArgumentException>(() => engine.Submit(new[] { 1 }, Draws with { StopTexts = [""] })).Message);
        Assert.Contains("at least one sequence", Assert.Throws<ArgumentException>(() => engine.Submit(new[] { 1 }, Draws, 0)).Message);
        TextRequest left = engine.Submit(new[] { 1 }, Draws with { Steps = [new Slow()] });
        left.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(async () =>
        {
            await foreach (TextUpdate _ in left.ReadAsync(TestContext.Current.CancellationToken)) { }
        });
        TextRequest open = engine.Submit(new[] { 1 }, Draws with { MaximumTokens = 60 });
        engine.Dispose();
        await Record.ExceptionAsync(async () =>
        {
            await foreach (TextUpdate _ in open.ReadAsync(TestContext.Current.CancellationToken)) { }
        });
        Assert.Throws<ObjectDisposedException>(() => engine.Submit(new[] { 1 }, Draws));
    }
}
