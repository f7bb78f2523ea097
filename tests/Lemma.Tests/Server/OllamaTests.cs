using System.Text.Json;
using Lemma.Decoding;
using OllamaSharp;
using OllamaSharp.Models;
using OllamaSharp.Models.Chat;

namespace Lemma.Tests.Server;

/// <summary>Ollama's API, by OllamaSharp and by plain requests.</summary>
public class OllamaTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheClientOfOllamaChatsAndGenerates()
    {
        await using TestServer server = await TestServer.StartAsync();
        using OllamaApiClient client = new(server.Address, "tiny");
        int[] prompt = server.ChatPrompt("system: be brief\nuser: ab\nassistant: ");
        GenerationOptions same = GenerationOptions.Sample(0.5, topK: 30, topP: 0.95) with { MaximumTokens = 25 };
        same = same with { Seed = server.SeedFor(prompt, same) };
        RequestOptions options = new() { Temperature = 0.5f, TopK = 30, TopP = 0.95f, Seed = (int)same.Seed, NumPredict = 25 };
        string expected = server.Alone(prompt, same);
        string text = "";
        ChatDoneResponseStream? done = null;
        await foreach (ChatResponseStream? piece in client.ChatAsync(new ChatRequest
        {
            Model = "tiny",
            Messages = [new Message(ChatRole.System, "be brief"), new Message(ChatRole.User, "ab")],
            Options = options,
        }, Token))
        {
            text += piece!.Message.Content;
            done = piece as ChatDoneResponseStream ?? done;
        }
        Assert.Equal((expected, "length", 25), (text, done!.DoneReason, done.EvalCount));
        Assert.Equal(prompt.Length, done.PromptEvalCount);

        string generated = "";
        await foreach (GenerateResponseStream? piece in client.GenerateAsync(new GenerateRequest { Model = "tiny:latest", Prompt = "ab b", Raw = true, Options = options }, Token))
            generated += piece!.Response;
        Assert.Equal(server.Alone(server.Model.Prompt("ab b"), same), generated);

        EmbedResponse made = await client.EmbedAsync(new EmbedRequest { Model = "vectors", Input = ["ab", "b"] }, Token);
        Assert.Equal(server.Embedding.Embed(["ab", "b"]), made.Embeddings);
        Assert.Equal(["tiny", "vectors"], (await client.ListLocalModelsAsync(Token)).Select(model => model.Name));
        Assert.Equal(2, (await client.ListRunningModelsAsync(Token)).Count());
        Assert.Equal(new Version(0, 1, 0).ToString(), (await client.GetVersionAsync(Token))!.ToString());
        ShowModelResponse shown = await client.ShowModelAsync(new ShowModelRequest { Model = "tiny" }, Token);
        Assert.Equal(["completion"], shown.Capabilities!);
    }

    [Fact]
    public async Task OneReplyAndWhatIsWrong()
    {
        await using TestServer server = await TestServer.StartAsync();
        (int status, JsonElement body, _) = await server.PostAsync("/api/generate",
            """{"model":"tiny","prompt":"ab","system":"be brief","stream":false,"options":{"temperature":0,"num_predict":8,"repeat_penalty":1.3,"repeat_last_n":16}}""");
        GenerationOptions same = new() { Steps = [new RepetitionPenalty(1.3, 16), new TopK(1)], MaximumTokens = 8 };
        Assert.Equal((200, server.Alone(server.ChatPrompt("system: be brief\nuser: ab\nassistant: "), same), true, 8),
            (status, body.GetProperty("response").GetString(), body.GetProperty("done").GetBoolean(), body.GetProperty("eval_count").GetInt32()));
        (_, body, _) = await server.PostAsync("/api/generate", """{"model":"tiny"}""");
        Assert.Equal("load", body.GetProperty("done_reason").GetString());
        (string Path, string Body, int Status, string Says)[] cases =
        [
            ("/api/chat", """{"model":"gpt"}""", 404, "'gpt' does not exist"), ("/api/chat", """{"model":"tiny","messages":[{"role":"user","content":"a"}],"format":"yaml"}""", 400, "'format'"),
            ("/api/chat", """{"model":"tiny","messages":[{"role":"user","content":"a","images":["x"]}]}""", 400, "'messages[0].images'"),
            ("/api/chat", """{"model":"tiny","messages":[{"role":"user","content":"a"}],"options":{"colour":1}}""", 400, "options.colour"),
            ("/api/chat", """{"model":"tiny","messages":[{"role":"user","content":"a"}],"options":{"num_ctx":999999}}""", 400, "num_ctx"),
            ("/api/generate", """{"model":"tiny","prompt":"a","suffix":"b"}""", 400, "'suffix'"), ("/api/show", """{"model":"gpt"}""", 404, "'gpt' not found"),
        ];
        foreach ((string path, string sent, int code, string says) in cases)
        {
            (int given, JsonElement reply, _) = await server.PostAsync(path, sent);
            Assert.Equal(code, given);
            Assert.Contains(says, reply.GetProperty("error").GetString(), StringComparison.Ordinal);
        }
    }
}
