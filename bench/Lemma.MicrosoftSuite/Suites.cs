using System.ClientModel;
using System.Net;
using Lemma.Extensions.AI;
using Lemma.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenAI;
using Xunit;

namespace Microsoft.Extensions.AI;

/// <summary>What the suite runs over: LEMMA_SUITE_MODEL and LEMMA_SUITE_EMBEDDER are models' folders, LEMMA_SUITE_RECORD is a file for the conversations.</summary>
internal static class Models
{
    public static string? Record { get; } = Environment.GetEnvironmentVariable("LEMMA_SUITE_RECORD");

    public static string? Chat { get; } = Environment.GetEnvironmentVariable("LEMMA_SUITE_MODEL");

    public static string? Embedder { get; } = Environment.GetEnvironmentVariable("LEMMA_SUITE_EMBEDDER");

    public static ConversationLog? Log { get; } = Record is null ? null : new ConversationLog(Record);

    public const string NoImages = "Lemma's models read text alone";

    private static readonly Lazy<Uri> Served = new(Serve);

    /// <summary>The server's address for OpenAI's client.</summary>
    public static Uri Address => Served.Value;

    private static Uri Serve()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddLemmaServer(options =>
        {
            if (Chat is { } chat)
                options.Models.Add(new ServedModel("chat", chat));
            if (Embedder is { } embedder)
                options.Models.Add(new ServedModel("embedder", embedder) { IsEmbedding = true });
        });
        WebApplication app = builder.Build();
        app.MapLemma();
        app.Start();
        return new Uri($"{app.Urls.First()}/v1");
    }

    public static OpenAIClient Client => new(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = Address });
}

/// <summary>The chat suite over <see cref="LemmaChatClient"/>, in this process.</summary>
public sealed class InProcess : ChatClientIntegrationTests
{
    protected override IChatClient? CreateChatClient() => Models.Log is { } log ? new Teacher(log) : Models.Chat is { } path ? LemmaChatClient.Load(path) : null;

    public override Task MultiModal_DescribeImage() => Skip(Models.NoImages);

    public override Task MultiModal_DescribePdf() => Skip(Models.NoImages);

    public override Task OpenTelemetry_CanEmitTracesAndMetrics() => Skip("the test asks for a server's address, and there is none in this process");

    private static Task Skip(string why)
    {
        Assert.Skip(why);
        return Task.CompletedTask;
    }
}

/// <summary>The chat suite over Microsoft.Extensions.AI.OpenAI, against <c>lemma serve</c>'s chat completions.</summary>
public class OverHttp : ChatClientIntegrationTests
{
    protected override IChatClient? CreateChatClient() => Models.Chat is null ? null : Models.Client.GetChatClient("chat").AsIChatClient();

    public override Task MultiModal_DescribeImage() => Skip(Models.NoImages);

    public override Task MultiModal_DescribePdf() => Skip(Models.NoImages);

    protected static Task Skip(string why)
    {
        Assert.Skip(why);
        return Task.CompletedTask;
    }
}

/// <summary>The chat suite over Microsoft.Extensions.AI.OpenAI, against <c>lemma serve</c>'s responses.</summary>
public sealed class OverResponses : OverHttp
{
    protected override IChatClient? CreateChatClient() => Models.Chat is null ? null : Models.Client.GetResponsesClient().AsIChatClient("chat");

    public override bool FunctionInvokingChatClientSetsConversationId => true;
}

/// <summary>The suite of embeddings over <see cref="LemmaEmbeddingGenerator"/>, in this process.</summary>
public sealed class EmbeddingsInProcess : EmbeddingGeneratorIntegrationTests
{
    protected override IEmbeddingGenerator<string, Embedding<float>>? CreateEmbeddingGenerator() =>
        Models.Embedder is { } path ? LemmaEmbeddingGenerator.Load(path) : null;

    public override Task OpenTelemetry_CanEmitTracesAndMetrics()
    {
        Assert.Skip("the test asks for a server's address, and there is none in this process");
        return Task.CompletedTask;
    }
}

/// <summary>The suite of embeddings over Microsoft.Extensions.AI.OpenAI, against <c>lemma serve</c>.</summary>
public sealed class EmbeddingsOverHttp : EmbeddingGeneratorIntegrationTests
{
    protected override IEmbeddingGenerator<string, Embedding<float>>? CreateEmbeddingGenerator() =>
        Models.Embedder is null ? null : Models.Client.GetEmbeddingClient("embedder").AsIEmbeddingGenerator();
}
