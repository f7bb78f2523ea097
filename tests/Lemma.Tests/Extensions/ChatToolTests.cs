using System.Text.Json;
using Lemma.Extensions.AI;
using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Tests.Language;
using Lemma.Tests.Language.Tools;
using Microsoft.Extensions.AI;
using Message = Microsoft.Extensions.AI.ChatMessage;
using Options = Microsoft.Extensions.AI.ChatOptions;

namespace Lemma.Tests.Extensions;

/// <summary>Calls of tools and answers of JSON through <see cref="IChatClient"/>: held to their schemas whatever the weights, and never run by the client itself.</summary>
public sealed class ChatToolTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(nameof(MadeTemplates.Tagged))]
    [InlineData(nameof(MadeTemplates.List))]
    [InlineData(nameof(MadeTemplates.Parameters))]
    [InlineData(nameof(MadeTemplates.Bare))]
    public async Task RequiredCallsAreReturnedAndHeldToTheirSchema(string template)
    {
        using LanguageModel model = ChatModel.Load(folder, 1000, (string)typeof(MadeTemplates).GetField(template)!.GetValue(null)!);
        using LanguageEngine engine = new(model);
        using LemmaChatClient client = new(engine, "tiny");
        int runs = 0;
        AIFunction lamp = AIFunctionFactory.Create((bool isOn, string room) => { runs++; return $"{room}: {isOn}"; }, CallingModel.Name);
        AITool declared = new DeclaredTool(CallingModel.Name, JsonElement.Parse(CallingModel.Schema));
        Options options = new() { Tools = [declared], ToolMode = ChatToolMode.RequireAny, AllowMultipleToolCalls = false, Seed = 3 };
        ChatResponse response = await client.GetResponseAsync("ab", options, Token);
        FunctionCallContent call = Assert.Single(response.Messages[^1].Contents.OfType<FunctionCallContent>());
        Assert.Equal((CallingModel.Name, ChatFinishReason.ToolCalls, null), (call.Name, response.FinishReason, call.Exception));
        CallingModel.AssertArguments(JsonSerializer.Serialize(call.Arguments, AIJsonUtilities.DefaultOptions));
        Assert.Equal(0, runs);

        // The call and its result go back into the conversation, which the template takes.
        List<Message> messages = [new(ChatRole.User, "ab"), .. response.Messages, new(ChatRole.Tool, [new FunctionResultContent(call.CallId, "hall: on")])];
        ChatResponse next = await client.GetResponseAsync(messages, new Options { MaxOutputTokens = 5, Seed = 3 }, Token);
        Assert.Equal(ChatFinishReason.Length, next.FinishReason);

        // Microsoft's middleware runs it, and asks again.
        using IChatClient invoking = new ChatClientBuilder(client).UseFunctionInvocation().Build();
        ChatResponse invoked = await invoking.GetResponseAsync("ab", new Options { Tools = [lamp], ToolMode = ChatToolMode.RequireSpecific(CallingModel.Name), MaxOutputTokens = 200, Seed = 3 }, Token);
        Assert.Contains(invoked.Messages, one => one.Contents.Any(content => content is FunctionCallContent));
    }

    [Fact]
    public async Task AnswersAreOfTheSchema()
    {
        using LanguageModel model = ChatModel.Load(folder, 400);
        using LanguageEngine engine = new(model);
        using LemmaChatClient client = new(engine, "tiny");
        for (int seed = 0; seed < 8; seed++)
        {
            ChatResponse response = await client.GetResponseAsync("ab",
                new Options { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse(CallingModel.Schema)), Seed = seed }, Token);
            CallingModel.AssertArguments(response.Text);
            Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        }
        ChatResponse any = await client.GetResponseAsync("ab", new Options { ResponseFormat = ChatResponseFormat.Json, MaxOutputTokens = 8, Seed = 1 }, Token);
        Assert.StartsWith("{", any.Text, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<ArgumentException>(() => client.GetResponseAsync("ab",
            new Options { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type":"fish"}""")) }, Token));
    }

    [Fact]
    public async Task ThoughtsComeApart()
    {
        using LanguageModel model = ChatModel.Load(folder, 1000, MadeTemplates.Named);
        using LanguageEngine engine = new(model);
        using LemmaChatClient client = new(engine, "tiny");
        Options options = new() { MaxOutputTokens = 12, Seed = 5 };
        // The prompt opens a thought, and so short an answer does not end it.
        ChatResponse response = await client.GetResponseAsync("ab", options, Token);
        Assert.All(response.Messages[0].Contents, content => Assert.IsType<TextReasoningContent>(content));
        Assert.Equal(response.Usage!.OutputTokenCount, response.Usage.ReasoningTokenCount);
        options.Reasoning = new ReasoningOptions { Output = ReasoningOutput.None };
        Assert.Empty((await client.GetResponseAsync("ab", options, Token)).Messages.SelectMany(one => one.Contents));
    }

    [Fact]
    public async Task ArgumentsAndResultsOfAnyJsonGoBackToTheModel()
    {
        using LanguageModel model = ChatModel.Load(folder, 2000, MadeTemplates.Tagged);
        using LanguageEngine engine = new(model);
        using LemmaChatClient client = new(engine, "tiny");
        Dictionary<string, object?> arguments = new() { ["a"] = 1.5, ["b"] = new List<object?> { "x", null, true }, ["c"] = JsonElement.Parse("{}") };
        Message call = new(ChatRole.Assistant, [new FunctionCallContent("1", "f", arguments)]);
        Message Result(object value) => new(ChatRole.Tool, [new FunctionResultContent("1", value)]);
        Options few = new() { MaxOutputTokens = 1 };
        ChatResponse told = await client.GetResponseAsync([new(ChatRole.User, "ab"), call, Result(new Dictionary<string, object?> { ["on"] = DateOnly.MinValue })], few, Token);
        Lemma.Text.Templates.ChatMessage[] turns =
        [
            new("user", "ab"), Lemma.Language.Tools.ToolMessages.Answer(engine.Format, "", "", [new("1", "f", """{"a":1.5,"b":["x",null,true],"c":{}}""")]),
            new("tool", """{"on":"0001-01-01"}"""),
        ];
        Assert.Equal(engine.Prompt(turns).Length, told.Usage!.InputTokenCount);
        Assert.Contains("System.Uri", (await Assert.ThrowsAsync<NotSupportedException>(() => client.GetResponseAsync([new(ChatRole.User, "ab"), call, Result(new Uri("http://x"))], few, Token))).Message);
    }

    private sealed class DeclaredTool(string name, JsonElement schema) : AIFunctionDeclaration
    {
        public override string Name => name;

        public override JsonElement JsonSchema => schema;
    }
}
