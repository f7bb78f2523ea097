using Lemma.Checkpoints;
using Lemma.Decoding;
using Lemma.Extensions.AI;
using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Tests.Language;
using Lemma.Weights;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Options = Microsoft.Extensions.AI.ChatOptions;

namespace Lemma.Tests.Extensions;

/// <summary>Clients of an app's configuration, with adapters by name, and the check of their health.</summary>
public sealed class ChatServicesTests : IDisposable
{
    private static readonly GenerationOptions Greedy = GenerationOptions.Greedy with { MaximumTokens = 12 };

    private readonly TemporaryFolder folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task AnAdapterIsAskedForByItsName()
    {
        string path = ChatModel.Write(folder, 256), adapter = ChatModel.WriteAdapter(folder, path);
        string expected, own;
        using (LanguageModel model = LanguageModel.Load(path, threads: 1))
        {
            own = Say(model);
            using Adapter change = AdapterFolder.Read(adapter, model.Decoder);
            change.Apply();
            expected = Say(model);
        }
        Assert.NotEqual(own, expected);
        LemmaClientOptions options = new() { Threads = 1, ModelId = "tiny" };
        options.Adapters.Add("tuned", adapter);
        using LemmaChatClient client = LemmaChatClient.Load(path, options);
        Task<ChatResponse>[] asked = [.. Enumerable.Range(0, 6).Select(i => client.GetResponseAsync("ab", Asked(i % 2 == 0 ? "tuned" : i == 1 ? "tiny" : null), Token))];
        ChatResponse[] answers = await Task.WhenAll(asked);
        for (int i = 0; i < answers.Length; i++)
            Assert.Equal((i % 2 == 0 ? expected : own, i % 2 == 0 ? "tuned" : "tiny"), (answers[i].Text, answers[i].ModelId));
        ArgumentException error = await Assert.ThrowsAsync<ArgumentException>(() => client.GetResponseAsync("ab", Asked("other"), Token));
        Assert.Equal("chat: this client's model is 'tiny', also with 'tuned', but ModelId asks for 'other'", error.Message);

        static string Say(LanguageModel model)
        {
            using Conversation conversation = model.NewConversation();
            return string.Concat(conversation.Say("ab", Greedy));
        }

        static Options Asked(string? model) => new() { ModelId = model, RawRepresentationFactory = _ => Greedy };
    }

    [Fact]
    public async Task AnAppsConfigurationSaysWhichModel()
    {
        string path = ChatModel.Write(folder, 256);
        ServiceCollection services = new();
        services.AddLemmaChatClient(Section(("Path", path), ("threads", "1"), ("ModelId", "configured"), ("MostSequences", "3"), ("MostWaiting", "2"),
            ("StateBytes", "100000000"), ("CacheFormat", "f16"), ("Adapters:tuned", ChatModel.WriteAdapter(folder, path))));
        services.AddHealthChecks().AddLemma();
        services.AddLogging();
        await using ServiceProvider provider = services.BuildServiceProvider();
        IChatClient client = provider.GetRequiredService<IChatClient>();
        ChatResponse answer = await client.GetResponseAsync("ab", new Options { ModelId = "tuned", MaxOutputTokens = 3 }, Token);
        Assert.Equal(("tuned", 3), (answer.ModelId, answer.Usage!.OutputTokenCount));
        Assert.Equal("configured", client.GetService<ChatClientMetadata>()!.DefaultModelId);
        LanguageEngine engine = client.GetService<LanguageEngine>()!;
        Assert.Equal(2, engine.MostWaiting);

        HealthCheckService health = provider.GetRequiredService<HealthCheckService>();
        HealthReport report = await health.CheckHealthAsync(Token);
        Assert.Equal((HealthStatus.Healthy, 0), (report.Status, report.Entries["lemma"].Data["waiting"]));
        // What is told of requests is of the last pass, and none ends here.
        using ManualResetEventSlim gate = new();
        AnswerOptions held = new() { Generation = Greedy with { Steps = [new Held(gate)] } };
        AnswerRequest[] two = [engine.Ask([new("user", "ab")], held, Token), engine.Ask([new("user", "b")], held, Token)];
        report = await health.CheckHealthAsync(Token);
        gate.Set();
        foreach (AnswerRequest one in two)
            Assert.NotEmpty(await one.ReadAsync(Token).ToListAsync(Token));
        Assert.True(report.Status == HealthStatus.Degraded, $"{report.Status}: {report.Entries["lemma"].Description}");
        Assert.Equal("2 of at most 2 requests wait", report.Entries["lemma"].Description);
    }

    [Theory]
    [InlineData("Path", "", "Model: the model's Path is needed")]
    [InlineData("Threads", "none", "Model:Threads: it must be a whole number above 0, but it is 'none'")]
    [InlineData("StateBytes", "-1", "Model:StateBytes: it must be a whole number above 0, but it is '-1'")]
    [InlineData("MostSequence", "3", "Model:MostSequence: it is not known")]
    public void AWrongConfigurationIsRefused(string key, string value, string says)
    {
        IConfigurationSection section = key == "Path" ? Section((key, value)) : Section(("Path", "model"), (key, value));
        Assert.Equal(says, Assert.Throws<ArgumentException>(() => new ServiceCollection().AddLemmaChatClient(section)).Message);
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddLemmaEmbeddingGenerator(section));
    }

    [Fact]
    public async Task ACheckOfAnotherClientFails()
    {
        ServiceCollection services = new();
        services.AddKeyedSingleton<IChatClient>("other", new Other());
        services.AddHealthChecks().AddLemma("model", "other");
        services.AddLogging();
        await using ServiceProvider provider = services.BuildServiceProvider();
        HealthReport report = await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync(Token);
        Assert.Equal((HealthStatus.Unhealthy, "the app's chat client is not one of Lemma"), (report.Status, report.Entries["model"].Description));
    }

    private static IConfigurationSection Section(params (string Key, string Value)[] values) => new ConfigurationBuilder()
        .AddInMemoryCollection(values.Select(one => KeyValuePair.Create<string, string?>($"Model:{one.Key}", one.Value))).Build().GetSection("Model");

    private sealed record Held(ManualResetEventSlim Gate) : LogitStep
    {
        public override void Apply(Candidates candidates, in DrawContext context) => Gate.Wait();
    }

    private sealed class Other : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<Microsoft.Extensions.AI.ChatMessage> messages, Options? options = null,
            CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<Microsoft.Extensions.AI.ChatMessage> messages, Options? options = null,
            CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }
    }
}
