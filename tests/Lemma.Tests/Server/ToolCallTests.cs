using System.ClientModel;
using System.Text;
using System.Text.Json;
using Lemma.Tests.Language.Tools;
using OllamaSharp;
using OpenAI;
using OpenAI.Chat;

namespace Lemma.Tests.Server;

/// <summary>Tools and JSON through OpenAI's own client for .NET: whole and streamed, and back into the conversation.</summary>
public class ToolCallTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ChatClient Client(TestServer server) => new OpenAIClient(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(server.Address, "v1") }).GetChatClient("tiny");

#pragma warning disable OPENAI001
    private static ChatCompletionOptions Options(ChatToolChoice choice) => new()
    {
        Tools = { ChatTool.CreateFunctionTool(CallingModel.Name, "Turns a lamp on or off.", BinaryData.FromString(CallingModel.Schema)) },
        ToolChoice = choice,
        AllowParallelToolCalls = false,
        Seed = 3,
    };
#pragma warning restore OPENAI001

    [Fact]
    public async Task CallsGoThereAndBack()
    {
        await using TestServer server = await TestServer.StartAsync(1000, MadeTemplates.Tagged);
        ChatClient client = Client(server);
        List<ChatMessage> messages = [new UserChatMessage("ab")];
        ChatCompletion whole = await client.CompleteChatAsync(messages, Options(ChatToolChoice.CreateRequiredChoice()), Token);
        Assert.Equal(ChatFinishReason.ToolCalls, whole.FinishReason);
        ChatToolCall call = Assert.Single(whole.ToolCalls);
        Assert.Equal((CallingModel.Name, 9), (call.FunctionName, call.Id.Length));
        CallingModel.AssertArguments(call.FunctionArguments.ToString());

        StringBuilder arguments = new();
        string? name = null, id = null;
        ChatFinishReason? reason = null;
        await foreach (StreamingChatCompletionUpdate update in client.CompleteChatStreamingAsync(messages, Options(ChatToolChoice.CreateFunctionChoice(CallingModel.Name)), Token))
        {
            foreach (StreamingChatToolCallUpdate piece in update.ToolCallUpdates)
            {
                Assert.Equal(0, piece.Index);
                (name, id) = (piece.FunctionName ?? name, piece.ToolCallId ?? id);
                arguments.Append(piece.FunctionArgumentsUpdate is { } bytes && bytes.ToMemory().Length > 0 ? bytes.ToString() : "");
            }
            Assert.DoesNotContain(update.ContentUpdate, part => part.Text.Length > 0);
            reason = update.FinishReason ?? reason;
        }
        Assert.Equal((CallingModel.Name, ChatFinishReason.ToolCalls), (name, reason));
        Assert.NotNull(id);
        // One seed, one call: the stream has the bits of the whole.
        Assert.Equal(call.FunctionArguments.ToString(), arguments.ToString());

        messages.Add(new AssistantChatMessage(whole));
        messages.Add(new ToolChatMessage(call.Id, "done"));
#pragma warning disable OPENAI001
        ChatCompletion next = await client.CompleteChatAsync(messages, new ChatCompletionOptions { MaxOutputTokenCount = 4, Seed = 1 }, Token);
#pragma warning restore OPENAI001
        Assert.Equal(ChatFinishReason.Length, next.FinishReason);
        messages[^1] = new ToolChatMessage("other", "done");
        ClientResultException error = await Assert.ThrowsAsync<ClientResultException>(() => client.CompleteChatAsync(messages, null, Token));
        Assert.Contains("messages[2].tool_call_id", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnswersAreOfTheSchema()
    {
        await using TestServer server = await TestServer.StartAsync();
        ChatCompletionOptions options = new() { ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("lamp", BinaryData.FromString(CallingModel.Schema), jsonSchemaIsStrict: true) };
        ChatCompletion[] answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ => (ChatCompletion)await Client(server).CompleteChatAsync([new UserChatMessage("ab")], options, Token)));
        Assert.All(answers, answer =>
        {
            CallingModel.AssertArguments(answer.Content[0].Text);
            Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        });
    }

    [Fact]
    public async Task OllamasClientCallsToo()
    {
        await using TestServer server = await TestServer.StartAsync(1000, MadeTemplates.Tagged);
        using OllamaApiClient ollama = new(server.Http, "tiny");
        Microsoft.Extensions.AI.IChatClient client = ollama;
        Microsoft.Extensions.AI.ChatResponse whole = await client.GetResponseAsync([new(Microsoft.Extensions.AI.ChatRole.User, "ab")],
            new() { ResponseFormat = Microsoft.Extensions.AI.ChatResponseFormat.ForJsonSchema(JsonElement.Parse(CallingModel.Schema)), Seed = 3 }, Token);
        CallingModel.AssertArguments(whole.Text);
        // Calls and results in a conversation, as plain requests: a result has the name of its call.
        string tool = "{\"type\":\"function\",\"function\":{\"name\":\"lamp\",\"parameters\":" + CallingModel.Schema + "}}";
        string call = """{"role":"assistant","content":"","tool_calls":[{"function":{"name":"lamp","arguments":{"isOn":true,"room":"hall"}}}]}""", result = """{"role":"tool","content":"done","tool_name":"lamp"}""";
        string body = """{"model":"tiny","stream":false,"options":{"num_predict":3,"seed":1},"messages":[{"role":"user","content":"ab"},""" + call + "," + result + "],\"tools\":[" + tool + "]}";
        JsonElement told = await PostAsync(server, "/api/chat", body);
        Assert.Equal("length", told.GetProperty("done_reason").GetString());
        Assert.True(told.GetProperty("prompt_eval_count").GetInt32() > 100);
        using HttpResponseMessage refused = await server.Http.PostAsync("/api/chat", new StringContent(body.Replace("\"tool_name\":\"lamp\"", "\"tool_name\":\"fan\"", StringComparison.Ordinal)), Token);
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Fact]
    public async Task AnthropicsMessagesCallToo()
    {
        await using TestServer server = await TestServer.StartAsync(1000, MadeTemplates.Tagged);
        string Body(string rest, bool streams = false) => $$$"""{"model":"tiny","max_tokens":400,"seed":3,"stream":{{{(streams ? "true" : "false")}}},"tools":[{"name":"lamp","description":"A lamp.","input_schema":{{{CallingModel.Schema}}}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true},"messages":[{"role":"user","content":"ab"}{{{rest}}}]}""";
        JsonElement whole = await PostAsync(server, "/v1/messages", Body(""));
        Assert.Equal("tool_use", whole.GetProperty("stop_reason").GetString());
        JsonElement block = Assert.Single(whole.GetProperty("content").EnumerateArray());
        Assert.Equal(("tool_use", "lamp"), (block.GetProperty("type").GetString(), block.GetProperty("name").GetString()));
        CallingModel.AssertArguments(block.GetProperty("input").GetRawText());

        using HttpResponseMessage stream = await server.Http.PostAsync("/v1/messages", new StringContent(Body("", streams: true)), Token);
        JsonElement[] events = [.. (await stream.Content.ReadAsStringAsync(Token)).Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => JsonElement.Parse(line[6..]))];
        Assert.Equal("tool_use", events.Single(one => one.GetProperty("type").GetString() == "content_block_start").GetProperty("content_block").GetProperty("type").GetString());
        string pieces = string.Concat(events.Where(one => one.GetProperty("type").GetString() == "content_block_delta").Select(one => one.GetProperty("delta").GetProperty("partial_json").GetString()));
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(pieces), block.GetProperty("input")), pieces);

        string id = block.GetProperty("id").GetString()!;
        string Rest(string result) => $$$""",{"role":"assistant","content":[{{{block.GetRawText()}}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"{{{result}}}","content":"done"}]}""";
        Assert.Equal("tool_use", (await PostAsync(server, "/v1/messages", Body(Rest(id)))).GetProperty("stop_reason").GetString());
        using HttpResponseMessage refused = await server.Http.PostAsync("/v1/messages", new StringContent(Body(Rest("other"))), Token);
        Assert.Contains("tool_use_id", await refused.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    private static async Task<JsonElement> PostAsync(TestServer server, string path, string body)
    {
        using HttpResponseMessage reply = await server.Http.PostAsync(path, new StringContent(body), Token);
        string text = await reply.Content.ReadAsStringAsync(Token);
        Assert.True(reply.IsSuccessStatusCode, text);
        return JsonElement.Parse(text);
    }
}
