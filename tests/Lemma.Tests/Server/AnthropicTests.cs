using System.Text.Json;
using Lemma.Decoding;

namespace Lemma.Tests.Server;

/// <summary>Anthropic's API by plain requests: messages, their events, tokens counted, errors.</summary>
public class AnthropicTests
{
    private const string Messages = "/v1/messages";

    [Fact]
    public async Task MessagesAndTheirEventsAreOneText()
    {
        await using TestServer server = await TestServer.StartAsync();
        int[] prompt = server.ChatPrompt("system: be brief\nuser: ab\nassistant: ");
        GenerationOptions same = GenerationOptions.Sample(0.5, topK: 30) with { MaximumTokens = 30 };
        same = same with { Seed = server.SeedFor(prompt, same) };
        string start = """{"model":"tiny","max_tokens":30,"system":[{"type":"text","text":"be brief","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"ab"}],"temperature":0.5,"top_k":30,"seed":""" + same.Seed;
        string expected = server.Alone(prompt, same);
        (int status, JsonElement body, _) = await server.PostAsync(Messages, start + "}");
        Assert.Equal((200, "message", expected, "max_tokens", 30), (status, body.GetProperty("type").GetString(), body.GetProperty("content")[0].GetProperty("text").GetString(),
            body.GetProperty("stop_reason").GetString(), body.GetProperty("usage").GetProperty("output_tokens").GetInt32()));
        Assert.Equal(prompt.Length, body.GetProperty("usage").GetProperty("input_tokens").GetInt32());
        (_, JsonElement counted, _) = await server.PostAsync("/v1/messages/count_tokens", """{"model":"tiny","system":"be brief","messages":[{"role":"user","content":[{"type":"text","text":"ab"}]}]}""");
        Assert.Equal(prompt.Length, counted.GetProperty("input_tokens").GetInt32());

        string stop = expected[4..7], cut = expected[..expected.IndexOf(stop, StringComparison.Ordinal)];
        List<string> lines = await server.LinesAsync(Messages, $$"""{{start}},"stream":true,"stop_sequences":[{{JsonSerializer.Serialize(stop)}}]}""");
        (string Name, JsonElement Data)[] events = [.. lines.Chunk(2).Select(pair => (pair[0]["event: ".Length..], JsonElement.Parse(pair[1]["data: ".Length..])))];
        Assert.All(events, one => Assert.Equal(one.Name, one.Data.GetProperty("type").GetString()));
        Assert.Equal(["message_start", "content_block_start"], events[..2].Select(one => one.Name));
        Assert.Equal(["content_block_stop", "message_delta", "message_stop"], events[^3..].Select(one => one.Name));
        Assert.Equal(cut, string.Concat(events[2..^3].Select(one => one.Data.GetProperty("delta").GetProperty("text").GetString())));
        JsonElement delta = events[^2].Data.GetProperty("delta");
        Assert.Equal(("stop_sequence", stop), (delta.GetProperty("stop_reason").GetString(), delta.GetProperty("stop_sequence").GetString()));
        // The prompt was read before.
        Assert.Equal((1, prompt.Length - 1), (events[^2].Data.GetProperty("usage").GetProperty("input_tokens").GetInt32(),
            events[^2].Data.GetProperty("usage").GetProperty("cache_read_input_tokens").GetInt32()));
    }

    [Fact]
    public async Task ErrorsHaveAnthropicsShape()
    {
        await using TestServer server = await TestServer.StartAsync(configure: options => options.ApiKeys.Add("secret"));
        const string start = """{"model":"tiny","messages":[{"role":"user","content":"a"}]""";
        Assert.Equal("authentication_error", (await server.PostAsync(Messages, start + "}")).Body.GetProperty("error").GetProperty("type").GetString());
        server.Http.DefaultRequestHeaders.Add("x-api-key", "secret");
        (string Body, int Status, string Type)[] cases =
        [
            (start + "}", 400, "invalid_request_error"), (start + ",\"max_tokens\":5,\"tools\":[{}]}", 400, "invalid_request_error"),
            (start + ",\"max_tokens\":5,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}}", 400, "invalid_request_error"),
            ("""{"model":"gpt","max_tokens":5,"messages":[]}""", 404, "not_found_error"),
        ];
        foreach ((string body, int status, string type) in cases)
        {
            (int given, JsonElement reply, _) = await server.PostAsync(Messages, body);
            Assert.Equal((status, "error", type), (given, reply.GetProperty("type").GetString(), reply.GetProperty("error").GetProperty("type").GetString()));
        }
    }
}
