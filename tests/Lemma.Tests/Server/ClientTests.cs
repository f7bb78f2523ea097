using System.ClientModel;
using System.ClientModel.Primitives;
using System.ComponentModel;
using System.Text.Json;
using Anthropic;
using Lemma.Tests.Language.Tools;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using OllamaSharp;
using OpenAI;
using OpenAI.Responses;

#pragma warning disable OPENAI001

namespace Lemma.Tests.Server;

/// <summary>The clients that programs of .NET use, each by its own API of the server: chats, streams, calls there and back, a schema, vectors, errors, leaving.</summary>
public class ClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static OpenAIClient OpenAI(TestServer server) =>
        new(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(server.Address, "v1"), RetryPolicy = new ClientRetryPolicy(0) });

    private static IChatClient Client(TestServer server, string kind) => kind switch
    {
        "openai" => OpenAI(server).GetChatClient("tiny").AsIChatClient(),
        "responses" => new ResponsesClient(new ApiKeyCredential("none"), new ResponsesClientOptions { Endpoint = new Uri(server.Address, "v1"), RetryPolicy = new ClientRetryPolicy(0) }).AsIChatClient("tiny"),
        "anthropic" => new AnthropicClient { BaseUrl = server.Address.ToString().TrimEnd('/'), ApiKey = "none", MaxRetries = 0 }.AsIChatClient("tiny", 400),
        _ => new OllamaApiClient(server.Http, "tiny"),
    };

    [Theory]
    [InlineData("openai")]
    [InlineData("responses")]
    [InlineData("anthropic")]
    [InlineData("ollama")]
    public async Task ChatsStreamsAndLeaves(string kind)
    {
        await using TestServer server = await TestServer.StartAsync(60_000);
        using IChatClient client = Client(server, kind);
        ChatMessage[] messages = [new(ChatRole.System, "be brief"), new(ChatRole.User, "ab")];
        int read = server.ChatPrompt("system: be brief\nuser: ab\nassistant: ").Length;
        ChatOptions few = new() { MaxOutputTokens = 3, Temperature = 0.5f };
        ChatResponse whole = await client.GetResponseAsync(messages, few, Token);
        Assert.Equal((ChatFinishReason.Length, 3L, "tiny"), (whole.FinishReason, whole.Usage!.OutputTokenCount, whole.ModelId));
        Assert.Equal(read, whole.Usage.InputTokenCount + (kind == "anthropic" ? whole.Usage.CachedInputTokenCount ?? 0 : 0));
        // Microsoft's adapter of this version was built against another OpenAI package, whose streams of responses had another type; OpenAI's own client streams them in ResponsesTests.
        bool streams = kind != "responses";
        ChatResponse streamed = !streams ? whole : await client.GetStreamingResponseAsync(messages, few, Token).ToChatResponseAsync(Token);
        Assert.Equal((ChatFinishReason.Length, 3L), (streamed.FinishReason, streamed.Usage!.OutputTokenCount));
        // Another turn behind what was said, with texts of no bytes that are none.
        ChatResponse next = await client.GetResponseAsync([.. messages, new(ChatRole.Assistant, "b"), new(ChatRole.User, "ab")], few, Token);
        Assert.Equal(ChatFinishReason.Length, next.FinishReason);

        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => client.GetResponseAsync([new(ChatRole.User, "nothing")], few, Token));
        Assert.Contains("there must be something", error.ToString(), StringComparison.Ordinal);
        Exception unknown = await Assert.ThrowsAnyAsync<Exception>(() => client.GetResponseAsync(messages, new ChatOptions { ModelId = "gpt", MaxOutputTokens = 3 }, Token));
        // OllamaSharp tells the status alone.
        Assert.Contains(kind == "ollama" ? "404" : "does not exist", unknown.ToString(), StringComparison.Ordinal);
        if (!streams)
            return;

        using CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in client.GetStreamingResponseAsync(messages, new ChatOptions { MaxOutputTokens = 50_000 }, source.Token))
                await source.CancelAsync();
            // A text that ended before it could be left.
            source.Token.ThrowIfCancellationRequested();
        });
        await server.QuietAsync();
    }

    [Theory]
    [InlineData("openai")]
    [InlineData("responses")]
    [InlineData("anthropic")]
    public async Task CallsGoThereAndBack(string kind)
    {
        await using TestServer server = await TestServer.StartAsync(2500, MadeTemplates.Tagged);
        using IChatClient client = Client(server, kind);
        AITool lamp = AIFunctionFactory.CreateDeclaration(CallingModel.Name, "Turns a lamp on or off.", JsonElement.Parse(CallingModel.Schema));
        ChatOptions must = new() { Tools = [lamp], ToolMode = ChatToolMode.RequireSpecific(CallingModel.Name), AllowMultipleToolCalls = false };
        List<ChatMessage> messages = [new(ChatRole.User, "ab")];
        foreach (bool streams in (bool[])[false, kind != "responses"])
        {
            ChatResponse whole = streams ? await client.GetStreamingResponseAsync(messages, must, Token).ToChatResponseAsync(Token) : await client.GetResponseAsync(messages, must, Token);
            FunctionCallContent call = Assert.Single(whole.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>());
            Assert.Equal(CallingModel.Name, call.Name);
            Assert.Equal(["isOn", "room"], call.Arguments!.Keys.Order(StringComparer.Ordinal));
            Assert.True(kind == "responses" || whole.FinishReason == ChatFinishReason.ToolCalls);
            ChatResponse next = await client.GetResponseAsync([.. messages, .. whole.Messages, new(ChatRole.Tool, [new FunctionResultContent(call.CallId, "done")])],
                new ChatOptions { Tools = [lamp], ToolMode = ChatToolMode.None, MaxOutputTokens = 3 }, Token);
            Assert.Equal(ChatFinishReason.Length, next.FinishReason);
        }
    }

    [Theory]
    [InlineData("openai")]
    [InlineData("responses")]
    [InlineData("anthropic")]
    [InlineData("ollama")]
    public async Task AnswersAreOfTheSchema(string kind)
    {
        await using TestServer server = await TestServer.StartAsync(2500);
        using IChatClient client = Client(server, kind);
        ChatResponse answer = await client.GetResponseAsync([new(ChatRole.User, "ab")], new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse(CallingModel.Schema), "lamp") }, Token);
        CallingModel.AssertArguments(answer.Text);
    }

    [Fact]
    public async Task VectorsAreThoseOfTheModel()
    {
        await using TestServer server = await TestServer.StartAsync();
        float[][] expected = server.Embedding.Embed(["ab", "b"]);
        using OllamaApiClient ollama = new(server.Http, "vectors");
        foreach (IEmbeddingGenerator<string, Embedding<float>> generator in (IEmbeddingGenerator<string, Embedding<float>>[])[OpenAI(server).GetEmbeddingClient("vectors").AsIEmbeddingGenerator(), ollama])
            Assert.Equal(expected, (await generator.GenerateAsync(["ab", "b"], cancellationToken: Token)).Select(one => one.Vector.ToArray()));
    }

    [Fact]
    public async Task AnAgentRunsItsTools()
    {
        await using TestServer server = await TestServer.StartAsync(4000, MadeTemplates.Tagged);
        int calls = 0;
        AIFunction lamp = AIFunctionFactory.Create((bool isOn, Room room) =>
        {
            calls++;
            return $"{room} {isOn}";
        }, "lamp", "Turns a lamp on or off.");
        ChatClientAgent agent = Client(server, "openai").AsAIAgent("be brief", tools: [lamp]);
        AgentSession session = await agent.CreateSessionAsync(Token);
        ChatClientAgentRunOptions options = new(new ChatOptions { ToolMode = ChatToolMode.RequireAny, AllowMultipleToolCalls = false, MaxOutputTokens = 400 });
        AgentResponse response = await agent.RunAsync("ab", session, options, Token);
        Assert.Equal(1, calls);
        Assert.Equal([ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], response.Messages.Select(message => message.Role));
        int updates = 0;
        await foreach (AgentResponseUpdate _ in agent.RunStreamingAsync("b", session, new ChatClientAgentRunOptions(new ChatOptions { ToolMode = ChatToolMode.None, MaxOutputTokens = 5 }), Token))
            updates++;
        Assert.True(updates > 1);
    }

    [Description("Where a lamp is.")]
    private enum Room
    {
        Hall,
        Loft,
    }
}
