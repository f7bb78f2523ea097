using System.Net;
using System.Text;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Server;
using Lemma.Tests.Language;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lemma.Tests.Server;

/// <summary>A server on loopback with a small model of bytes, a, b and ab, and the same model to compare with.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly WebApplication app;

    private TestServer(int length, string? template, Action<LemmaServerOptions>? configure, Action<WebApplication>? use, HttpProtocols protocols)
    {
        string path = ChatModel.Write(folder, length, template);
        Model = LanguageModel.Load(path, threads: 1);
        Embedding = EmbeddingModel.Load(path, threads: 1);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(Log);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = protocols));
        builder.Services.AddLemmaServer(options =>
        {
            options.Threads = 1;
            options.Models.Add(new ServedModel("tiny", path));
            options.Models.Add(new ServedModel("vectors", path) { IsEmbedding = true });
            configure?.Invoke(options);
        });
        app = builder.Build();
        use?.Invoke(app);
        Replies.Use(app);
        app.MapLemma();
    }

    /// <summary>What is found wrong with replies; it fails the test when the server is disposed.</summary>
    public ReplyChecks Replies { get; } = new();

    public CapturedLog Log { get; } = new();

    public LanguageModel Model { get; }

    public EmbeddingModel Embedding { get; }

    public Uri Address => new(app.Urls.First());

    public HttpClient Http { get; private set; } = null!;

    public ServerState State => app.Services.GetRequiredService<ServerState>();

    public WebApplication App => app;

    public static async Task<TestServer> StartAsync(int length = 400, string? template = ChatModel.Template, Action<LemmaServerOptions>? configure = null,
        Action<WebApplication>? use = null, HttpProtocols protocols = HttpProtocols.Http1AndHttp2)
    {
        TestServer server = new(length, template, configure, use, protocols);
        await server.app.StartAsync();
        server.Http = new HttpClient { BaseAddress = server.Address };
        return server;
    }

    /// <summary>What a model alone writes behind a prompt.</summary>
    public string Alone(int[] prompt, GenerationOptions options)
    {
        using Generator generator = Model.NewGenerator();
        return string.Concat(new TextStream(generator, Model.Tokenizer, prompt, options).Pieces());
    }

    /// <summary>A seed whose text is cut off by its most tokens, and is of some length.</summary>
    public ulong SeedFor(int[] prompt, GenerationOptions options)
    {
        using Generator generator = Model.NewGenerator();
        for (ulong seed = 1; ; seed++)
        {
            if (generator.Generate(prompt, options with { Seed = seed }).Count == options.MaximumTokens && Alone(prompt, options with { Seed = seed }).Length > 11)
                return seed;
        }
    }

    public int[] ChatPrompt(string text) => Model.Tokenizer.Encode(text, addSpecialTokens: false);

    public async Task<(int Status, JsonElement Body, HttpResponseMessage Response)> PostAsync(string path, string json)
    {
        HttpResponseMessage response = await Http.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, JsonElement.Parse(text), response);
    }

    public async Task<List<string>> LinesAsync(string path, string json)
    {
        HttpResponseMessage response = await Http.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, text);
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    /// <summary>Waits until no request runs.</summary>
    public async Task QuietAsync()
    {
        for (int i = 0; State.Engines[0].Writer!.Counts is not { Running: 0, Waiting: 0 }; i++)
        {
            Assert.True(i < 3000, "requests run on");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await app.DisposeAsync();
        Model.Dispose();
        Embedding.Dispose();
        folder.Dispose();
        Replies.Assert();
    }
}
