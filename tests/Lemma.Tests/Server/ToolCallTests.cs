using System.ClientModel;
using System.Text;
using Lemma.Tests.Language.Tools;
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
}
