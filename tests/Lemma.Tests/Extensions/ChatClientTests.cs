using System.Diagnostics;
using System.Diagnostics.Metrics;
using Lemma.Decoding;
using Lemma.Extensions.AI;
using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Tests.Language;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Message = Microsoft.Extensions.AI.ChatMessage;
using Options = Microsoft.Extensions.AI.ChatOptions;

namespace Lemma.Tests.Extensions;

/// <summary>The model behind Microsoft's interface: its texts, its options, its refusals, its services.</summary>
public sealed class ChatClientTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    // b and ab alone, almost as likely as each other.
    private static readonly GenerationOptions Draws = ChatModel.Options(24) with
    {
        Steps = [.. ChatModel.Options(24).Steps!, new Temperature(100)],
        LogProbabilities = null,
        Seed = 5,
    };

    private static Options Raw(GenerationOptions? own = null) => new() { RawRepresentationFactory = _ => own ?? Draws };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task AnswersAreThoseOfAConversation()
    {
        string path = ChatModel.Write(folder, 400);
        using LanguageModel model = LanguageModel.Load(path, threads: 1);
        using Conversation conversation = model.NewConversation("be brief");
        string expected = string.Concat(conversation.Say("ab", Draws));
        using LemmaChatClient client = LemmaChatClient.Load(path, new LemmaClientOptions { Threads = 1, ModelId = "tiny" });
        Options options = Raw();
        options.Instructions = "be brief";
        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync("ab", options, Token).ToListAsync(Token);
        Assert.Equal(expected, string.Concat(updates));
        Assert.True(updates.Count > 5);
        Assert.All(updates, update => Assert.Equal((ChatRole.Assistant, "tiny", updates[0].ResponseId, updates[0].MessageId),
            (update.Role, update.ModelId, update.ResponseId, update.MessageId)));
        Assert.Equal([.. Enumerable.Repeat<ChatFinishReason?>(null, updates.Count - 1), ChatFinishReason.Length], updates.Select(update => update.FinishReason));
        Assert.IsType<AnswerUpdate>(updates[0].RawRepresentation);

        ChatResponse response = await client.GetResponseAsync("ab", options, Token);
        Assert.Equal((expected, ChatFinishReason.Length, "tiny"), (response.Text, response.FinishReason, response.ModelId));
        long prompt = new ChatTokens(model).Count("system: be brief\nuser: ab\nassistant: ");
        Assert.Equal((prompt, 24, prompt + 24, prompt - 1), (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount, response.Usage.TotalTokenCount,
            response.Usage.CachedInputTokenCount));

        // The next turn reads what is new.
        string second = string.Concat(conversation.Say("b", Draws with { Seed = Draws.Seed - 1 }));
        List<Message> history = [new(ChatRole.User, "ab")];
        history.AddMessages(response);
        history.Add(new Message(ChatRole.User, "b"));
        ChatResponse turn = await client.GetResponseAsync(history, options, Token);
        Assert.Equal(second, turn.Text);
        Assert.True(turn.Usage!.CachedInputTokenCount > prompt, $"{turn.Usage.CachedInputTokenCount}");
    }

    private readonly struct ChatTokens(LanguageModel model)
    {
        public long Count(string text) => model.Tokenizer.Encode(text, addSpecialTokens: false).Length;
    }

    [Fact]
    public async Task EveryOptionDoesWhatItSays()
    {
        using LanguageModel model = ChatModel.Load(folder, 400);
        using LanguageEngine engine = new(model);
        using LemmaChatClient client = new(engine, "tiny");
        int[] prompt = engine.Prompt([new("user", "ab")]);
        Options options = new()
        {
            Temperature = 0.7f,
            TopP = 0.9f,
            TopK = 50,
            PresencePenalty = 0.5f,
            FrequencyPenalty = 0.25f,
            Seed = -3,
            MaxOutputTokens = 30,
            ModelId = "tiny",
            ToolMode = ChatToolMode.Auto,
            ResponseFormat = ChatResponseFormat.Text,
            AdditionalProperties = new() { ["min_p"] = 0.01, ["typical_p"] = 0.99f, ["top_n_sigma"] = 3, ["repetition_penalty"] = 1.1, ["no_repeat_ngram_size"] = 4, ["logprobs"] = 2L },
        };
        GenerationOptions same = GenerationOptions.Sample(0.7f, 50, 0.9f, 0.01, 0.99f, 1.1, 0.5, 0.25, 4, topNSigma: 3) with
        {
            MaximumTokens = 30,
            Seed = unchecked((ulong)-3L),
            LogProbabilities = 2,
        };
        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync("ab", options, Token).ToListAsync(Token);
        List<TextUpdate> expected = await engine.Submit(prompt, same, cancellation: Token).ReadAsync(Token).ToListAsync(Token);
        Assert.Equal(string.Concat(expected.Select(update => update.Text)), string.Concat(updates));
        Assert.Equal(expected.Where(update => update.Choice is not null).Select(update => update.Choice!.Chosen),
            updates.Select(update => ((AnswerUpdate)update.RawRepresentation!).Text).Where(update => update.Choice is not null).Select(update => update.Choice!.Chosen));
        // A stop is not part of the text; without a seed every answer has another.
        string whole = (await client.GetResponseAsync("ab", Raw(), Token)).Text;
        Options stopped = Raw();
        stopped.StopSequences = [whole[4..7]];
        ChatResponse cut = await client.GetResponseAsync("ab", stopped, Token);
        Assert.Equal((whole[..whole.IndexOf(whole[4..7], StringComparison.Ordinal)], ChatFinishReason.Stop), (cut.Text, cut.FinishReason));
        Options free = new() { MaxOutputTokens = 20 };
        Assert.NotEqual((await client.GetResponseAsync("ab", free, Token)).Text, (await client.GetResponseAsync("ab", free, Token)).Text);
        // Greedy; and without a bound, up to the longest sequence.
        Assert.Equal((await client.GetResponseAsync("ab", new Options { Temperature = 0, MaxOutputTokens = 9 }, Token)).Text,
            (await client.GetResponseAsync("ab", new Options { TopK = 1, MaxOutputTokens = 9 }, Token)).Text);
        ChatResponse longest = await client.GetResponseAsync("ab", new Options { RawRepresentationFactory = _ => Draws with { MaximumTokens = 1000 } }, Token);
        Assert.Equal(400 + 1, longest.Usage!.TotalTokenCount);
    }

    [Fact]
    public async Task WhatIsNotThereIsRefusedByName()
    {
        using LanguageModel model = ChatModel.Load(folder, 64);
        using LanguageEngine engine = new(model);
        using LemmaChatClient client = new(engine, "tiny");
        AIFunction tool = AIFunctionFactory.Create(() => 1, "one");
        (string Name, Options Options)[] refused =
        [
            ("Tools", new() { Tools = [tool] }), ("ToolMode", new() { ToolMode = ChatToolMode.RequireAny }), ("Reasoning", new() { Reasoning = new() { Effort = ReasoningEffort.High } }), ("ConversationId", new() { ConversationId = "1" }),
            ("AllowBackgroundResponses", new() { AllowBackgroundResponses = true }),
            ("ContinuationToken", new() { ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 }) }),
            ("RawRepresentationFactory", new() { RawRepresentationFactory = _ => "text" }), ("'colour'", new() { AdditionalProperties = new() { ["colour"] = 1 } }),
        ];
        foreach ((string name, Options options) in refused)
            Assert.Contains(name, (await Assert.ThrowsAsync<NotSupportedException>(() => client.GetResponseAsync("ab", options, Token))).Message, StringComparison.Ordinal);
        (string Name, Options Options)[] wrong =
        [
            ("'other'", new() { ModelId = "other" }), ("min_p", new() { AdditionalProperties = new() { ["min_p"] = "much" } }),
            ("whole number", new() { AdditionalProperties = new() { ["priority"] = 1.5 } }), ("temperature", new() { Temperature = -1 }),
            ("longest sequence", new() { Instructions = new string('x', 100) }),
        ];
        foreach ((string name, Options options) in wrong)
            Assert.Contains(name, (await Assert.ThrowsAnyAsync<ArgumentException>(() => client.GetResponseAsync("ab", options, Token))).Message, StringComparison.Ordinal);
        Message image = new(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")]), result = new(ChatRole.Tool, [new FunctionResultContent("1", 1)]);
        Assert.Contains("DataContent", (await Assert.ThrowsAsync<NotSupportedException>(() => client.GetResponseAsync([image], null, Token))).Message);
        Assert.Contains("a result belongs to a call", (await Assert.ThrowsAsync<ArgumentException>(() => client.GetResponseAsync([result], null, Token))).Message);
        await Assert.ThrowsAsync<ArgumentException>(() => client.GetResponseAsync(Array.Empty<Message>(), null, Token));
        // Tools that nobody may call are left out.
        await client.GetResponseAsync("ab", new Options { Tools = [tool], ToolMode = ChatToolMode.None, MaxOutputTokens = 2 }, Token);
        Assert.Contains("no chat template", Assert.Throws<InvalidOperationException>(() =>
        {
            using TemporaryFolder other = new();
            LemmaChatClient.Load(ChatModel.Write(other, 64, template: null));
        }).Message);
    }

    [Fact]
    public async Task ACancelledAnswerGivesItsStateBack()
    {
        using LanguageModel model = ChatModel.Load(folder, 4000);
        using LanguageEngine engine = new(model);
        using LemmaChatClient client = new(engine, "tiny");
        using CancellationTokenSource source = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("ab", Raw(Draws with { MaximumTokens = 4000 }), source.Token))
                await source.CancelAsync();
        });
        for (int i = 0; engine.Counts is not { Running: 0, StateBytes: 0, Ended: 1 }; i++)
        {
            Assert.True(i < 3000, $"{engine.Counts}");
            await Task.Delay(10, Token);
        }
    }

    [Fact]
    public async Task ServicesHaveClientsWithMiddleware()
    {
        string path = ChatModel.Write(folder, 256);
        ServiceCollection services = new();
        services.AddLemmaChatClient(path, options => options.ModelId = "tiny").UseOpenTelemetry(sourceName: "lemma.tests");
        services.AddKeyedLemmaChatClient("other", path, options => options.Threads = 1);
        List<Activity> activities = [];
        Dictionary<string, double> measured = [];
        using ActivityListener listener = new()
        {
            ShouldListenTo = source => source.Name == "lemma.tests",
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activities.Add,
        };
        ActivitySource.AddActivityListener(listener);
        using MeterListener meter = new()
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == "lemma.tests")
                    self.EnableMeasurementEvents(instrument);
            },
        };
        meter.SetMeasurementEventCallback<int>((instrument, value, tags, _) => measured[instrument.Name] = measured.GetValueOrDefault(instrument.Name) + value);
        meter.SetMeasurementEventCallback<long>((instrument, value, tags, _) => measured[instrument.Name] = measured.GetValueOrDefault(instrument.Name) + value);
        meter.SetMeasurementEventCallback<double>((instrument, value, tags, _) => measured[instrument.Name] = measured.GetValueOrDefault(instrument.Name) + value);
        meter.Start();
        LanguageEngine engine;
        await using (ServiceProvider provider = services.BuildServiceProvider())
        {
            IChatClient client = provider.GetRequiredService<IChatClient>(), other = provider.GetRequiredKeyedService<IChatClient>("other");
            Assert.NotSame(client, other);
            ChatResponse response = await client.GetResponseAsync("ab", Raw(), Token);
            Activity activity = Assert.Single(activities);
            Assert.Equal("chat tiny", activity.DisplayName);
            Dictionary<string, object?> tags = activity.TagObjects.ToDictionary();
            Assert.Equal(("lemma", "tiny"), (tags["gen_ai.provider.name"], tags["gen_ai.response.model"]));
            Assert.Equal(response.Usage!.OutputTokenCount, Convert.ToInt64(tags["gen_ai.usage.output_tokens"]));
            Assert.Equal((double)response.Usage.TotalTokenCount!.Value, measured["gen_ai.client.token.usage"]);
            ChatClientMetadata metadata = client.GetRequiredService<ChatClientMetadata>();
            Assert.Equal(("lemma", "tiny", "model.bin"), (metadata.ProviderName, metadata.DefaultModelId, other.GetRequiredService<ChatClientMetadata>().DefaultModelId));
            Assert.NotNull(client.GetService<LemmaChatClient>());
            Assert.Null(client.GetService<LemmaChatClient>("key"));
            engine = client.GetRequiredService<LanguageEngine>();
            Assert.Same(engine.Model, client.GetRequiredService<LanguageModel>());
        }
        // The services free what they have made.
        Assert.Throws<ObjectDisposedException>(() => engine.Submit(new[] { 1 }));
    }
}
