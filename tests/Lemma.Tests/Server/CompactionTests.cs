using System.Text;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Server.Responses;
using Lemma.Tests.Language.Tools;

namespace Lemma.Tests.Server;

/// <summary>Conversations made short: the summary is what the model alone writes, it goes on from there, and what is no summary is refused.</summary>
public class CompactionTests
{
    private const string Path = "/v1/responses/compact";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ASummaryIsWhatTheModelWritesAndGoesOn()
    {
        await using TestServer server = await TestServer.StartAsync(6000);
        const string input = """[{"role":"system","content":"be brief"},{"role":"user","content":"ab"},{"role":"assistant","content":"b"}]""";
        int[] prompt = server.ChatPrompt($"system: be kind\nsystem: be brief\nuser: ab\nassistant: b\nuser: {ResponseCompaction.Instruction}\nassistant: ");
        string expected = server.Alone(prompt, GenerationOptions.Greedy with { MaximumTokens = 1024 }).Trim();
        (int status, JsonElement body, _) = await server.PostAsync(Path, $$"""{"model":"tiny","instructions":"be kind","prompt_cache_key":"a","input":{{input}}}""");
        Assert.True(status == 200, body.ToString());
        Assert.Equal("response.compaction", body.GetProperty("object").GetString());
        Assert.StartsWith("resp_", body.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.True(body.GetProperty("created_at").GetInt64() > 1_700_000_000);
        JsonElement usage = body.GetProperty("usage");
        Assert.Null(OpenAIDocument.Wrong("ResponseUsage", usage));
        Assert.Equal(prompt.Length, usage.GetProperty("input_tokens").GetInt32());
        Assert.InRange(usage.GetProperty("output_tokens").GetInt32(), 1, 1024);
        // What the system said stays; the rest is one item.
        JsonElement[] output = [.. body.GetProperty("output").EnumerateArray()];
        Assert.Equal(["message", "compaction"], output.Select(item => item.GetProperty("type").GetString()));
        Assert.Equal(("system", "be brief"), (output[0].GetProperty("role").GetString(), output[0].GetProperty("content")[0].GetProperty("text").GetString()));
        Assert.Null(OpenAIDocument.Wrong("CompactionBody", output[1]));
        string content = output[1].GetProperty("encrypted_content").GetString()!;
        JsonElement inside = JsonElement.Parse(Convert.FromBase64String(content));
        Assert.Equal((1, expected), (inside.GetProperty("version").GetInt32(), inside.GetProperty("summary").GetString()));

        // The output goes on as it is, by HTTP and by a connection; the summary and the user's text are one turn.
        string on = $$"""[{{string.Join(',', output.Select(item => item.GetRawText()))}},{"role":"user","content":"ab"}]""";
        int[] next = server.ChatPrompt($"system: be brief\nuser: {ResponseInput.SummaryHeading}{expected}\n\nab\nassistant: ");
        string rest = $"\"model\":\"tiny\",\"input\":{on},\"max_output_tokens\":8,\"ignore_eos\":true,\"seed\":3,\"temperature\":0.7";
        string text = server.Alone(next, GenerationOptions.Sample(0.7) with { Seed = 3, MaximumTokens = 8, StopIds = [] });
        (status, JsonElement reply, _) = await server.PostAsync("/v1/responses", $"{{{rest}}}");
        Assert.Equal((200, next.Length), (status, reply.GetProperty("usage").GetProperty("input_tokens").GetInt32()));
        Assert.Equal(text, reply.GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString());
        await using SocketClient client = await SocketClient.OpenAsync(server);
        List<JsonElement> events = await client.TurnAsync($"{{\"type\":\"response.create\",{rest}}}");
        Assert.Equal(text, events[^1].GetProperty("response").GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString());
        JsonElement items = JsonElement.Parse(await server.Http.GetStringAsync($"/v1/responses/{reply.GetProperty("id").GetString()}/input_items?order=asc", Token)).GetProperty("data");
        Assert.Equal(content, items[1].GetProperty("encrypted_content").GetString());

        // A response that is kept is made short by its id, alone or with more behind it.
        string id = reply.GetProperty("id").GetString()!;
        (status, JsonElement again, _) = await server.PostAsync(Path, $$"""{"model":"tiny","previous_response_id":"{{id}}","input":null}""");
        Assert.Equal((200, "compaction"), (status, again.GetProperty("output")[1].GetProperty("type").GetString()));
        (status, JsonElement more, _) = await server.PostAsync(Path, $$"""{"model":"tiny","previous_response_id":"{{id}}","input":"b"}""");
        Assert.True(status == 200 && more.GetProperty("usage").GetProperty("input_tokens").GetInt32() != again.GetProperty("usage").GetProperty("input_tokens").GetInt32());
    }

    [Fact]
    public async Task TheOldestTurnsGiveWayAndCallsAreRead()
    {
        await using TestServer server = await TestServer.StartAsync(700, MadeTemplates.Tagged);
        string turns = string.Join(',', Enumerable.Range(0, 40).Select(i => $$"""{"role":"{{(i % 2 == 0 ? "user" : "assistant")}}","content":"{{new string('a', 30)}}"}"""));
        const string calls = """{"type":"function_call","call_id":"call_1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"call_1","output":"ab"}""";
        (int status, JsonElement body, _) = await server.PostAsync(Path, $$"""{"model":"tiny","input":[{{turns}},{"role":"user","content":"b"},{{calls}}]}""");
        Assert.True(status == 200, body.ToString());
        // Half of the longest text is left free.
        Assert.InRange(body.GetProperty("usage").GetProperty("input_tokens").GetInt32(), 300, 350);
        (status, body, _) = await server.PostAsync(Path, $$"""{"model":"tiny","input":"{{new string('a', 800)}}"}""");
        Assert.Equal((400, "context_length_exceeded"), (status, body.GetProperty("error").GetProperty("code").GetString()));
    }

    [Fact]
    public async Task WhatIsWrongIsSaidByName()
    {
        await using TestServer server = await TestServer.StartAsync(1000);
        static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
        (string Body, string? Param, string Code)[] cases =
        [
            ("{\"input\":\"a\"}", "model", "missing_required_parameter"), ("{\"model\":\"tiny\"}", "input", "missing_required_parameter"), ("{\"model\":\"tiny\",\"input\":[]}", "input", "invalid_value"),
            ("{\"model\":\"tiny\",\"input\":\"a\",\"previous_response_id\":\"resp_1\"}", "previous_response_id", "previous_response_not_found"),
            ("{\"model\":\"tiny\",\"input\":\"a\",\"stream\":true}", "stream", "unknown_parameter"), ("{\"model\":\"vectors\",\"input\":\"a\"}", "model", "unsupported_model"),
            ("{\"model\":\"tiny\",\"input\":[{\"type\":\"compaction\"}]}", "input[0].encrypted_content", "missing_required_parameter"),
            .. ((string[])["", "a", "gAAAAABpM0Yj-_", "####", Base64(""), Base64("a"), Base64("[]"), Base64("{}"), Base64("{\"version\":2,\"summary\":\"a\"}"), Base64("{\"version\":1}"),
                Base64("{\"version\":1,\"summary\":5}"), Base64("{\"version\":\"1\",\"summary\":\"a\"}"), Base64("{\"version\":1,\"summary\":\"a\",\"more\":1}"), Base64("{\"version\":1,\"version\":1,\"summary\":\"a\"}"),
                Base64("{\"version\":1,\"summary\":\"\\ud83d\"}"), Convert.ToBase64String([0x7b, 0xff]), Base64(new string('[', 5000)), new string('A', 100_000)])
                .Select(content => ($"{{\"model\":\"tiny\",\"input\":[{{\"type\":\"compaction\",\"encrypted_content\":\"{content}\"}}]}}", "input[0].encrypted_content", "invalid_value")),
        ];
        foreach (string path in (string[])[Path, "/v1/responses"])
        {
            foreach ((string body, string? param, string code) in cases.Where(one => path == Path || one.Body.Contains("compaction", StringComparison.Ordinal)))
            {
                (int status, JsonElement reply, _) = await server.PostAsync(path, body);
                Assert.True(status == 400, $"{status} {body}");
                JsonElement error = reply.GetProperty("error");
                Assert.Equal((body, param, code), (body, error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
            }
        }
        Assert.Equal(0, server.State.Engines[0].Writer!.Counts.Ended);
    }
}
