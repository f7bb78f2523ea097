using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using CsCheck;

namespace Lemma.Tests.Server;

/// <summary>Random bodies at every endpoint: of OpenAI's document, changed, of wrong types, huge, deep, of broken bytes. Never a 5xx but 503, never a stack trace, and the server lives.</summary>
public class ServerFuzzTests
{
    private static readonly int Bodies = int.Parse(Environment.GetEnvironmentVariable("LEMMA_FUZZ") ?? "600", CultureInfo.InvariantCulture);

    private static readonly (string Path, string Schema)[] OfTheDocument = [("/v1/chat/completions", "CreateChatCompletionRequest"), ("/v1/completions", "CreateCompletionRequest"),
        ("/v1/embeddings", "CreateEmbeddingRequest"), ("/v1/responses", "CreateResponse"), ("/v1/responses/input_tokens", "CreateResponse")];

    private const string Tool = """{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}}}""";

    // Bodies that are right, for what has no document here and for changes near what is right.
    private static readonly (string Path, string Body)[] Right =
    [
        ("/v1/chat/completions", """{"model":"tiny","messages":[{"role":"system","content":"a"},{"role":"user","content":[{"type":"text","text":"ab"}]},{"role":"assistant","content":null,"tool_calls":[{"id":"123456789","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"123456789","content":"b"}],"n":2,"seed":3,"max_tokens":5,"temperature":0.5,"top_p":0.9,"logprobs":true,"top_logprobs":2,"stop":["x"],"logit_bias":{"5":1},"stream":true,"stream_options":{"include_usage":true}}"""),
        ("/v1/chat/completions", """{"model":"tiny","messages":[{"role":"user","content":"ab"}],"max_tokens":5,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"a":{"enum":["x",1]},"b":{"type":"array","items":{"type":"number"},"maxItems":2},"c":{"type":"string","pattern":"^a+$"}},"required":["a"]}}}}"""),
        ("/v1/chat/completions", $$"""{"model":"tiny","messages":[{"role":"user","content":"ab"}],"max_tokens":5,"tool_choice":"required","tools":[{{Tool}}]}"""),
        ("/v1/completions", """{"model":"tiny","prompt":["a",[5,6]],"max_tokens":3,"echo":true,"stream":false,"min_p":0.1,"typical_p":0.9,"repetition_penalty":1.1,"no_repeat_ngram_size":2,"stop_token_ids":[4],"ignore_eos":true,"priority":1}"""),
        ("/v1/embeddings", """{"model":"vectors","input":["a",""],"dimensions":3,"encoding_format":"base64"}"""),
        ("/v1/rerank", """{"model":"vectors","query":"a","documents":["b",{"text":"ab"}],"top_n":1,"return_documents":true}"""),
        ("/v1/responses", """{"model":"tiny","input":[{"role":"user","content":"ab"},{"type":"reasoning","summary":[],"content":[]},{"type":"function_call","call_id":"123456789","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"123456789","output":"b"}],"instructions":"a","max_output_tokens":4,"truncation":"auto","include":["message.output_text.logprobs"],"text":{"format":{"type":"json_object"}},"metadata":{"a":"b"},"stream":true}"""),
        ("/v1/responses", """{"model":"tiny","input":[{"type":"compaction","encrypted_content":"eyJ2ZXJzaW9uIjoxLCJzdW1tYXJ5IjoiYWIifQ=="},{"role":"assistant","content":"ab","phase":"final_answer"},{"role":"user","content":"ab"}],"max_output_tokens":4,"store":false}"""),
        ("/v1/responses/input_tokens", """{"model":"tiny","input":"ab"}"""),
        ("/v1/responses/compact", """{"model":"tiny","input":[{"role":"system","content":"a"},{"role":"user","content":"ab"},{"type":"function_call","call_id":"123456789","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"123456789","output":"b"},{"type":"compaction","encrypted_content":"eyJ2ZXJzaW9uIjoxLCJzdW1tYXJ5IjoiYWIifQ=="}],"instructions":"a","prompt_cache_key":"a"}"""),
        ("/v1/messages", """{"model":"tiny","max_tokens":4,"system":[{"type":"text","text":"a"}],"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"123456789","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"123456789","content":"b"}]}],"temperature":0.5,"top_k":4,"stop_sequences":["b"],"stream":true}"""),
        ("/v1/messages", """{"model":"tiny","max_tokens":4,"messages":[{"role":"user","content":"a"}],"output_config":{"format":{"type":"json_schema","schema":{"type":"boolean"}}}}"""),
        ("/v1/messages", """{"model":"tiny","max_tokens":4,"messages":[{"role":"user","content":"a"}],"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"any"}}"""),
        ("/v1/messages/count_tokens", """{"model":"tiny","messages":[{"role":"user","content":"a"}]}"""),
        ("/api/chat", """{"model":"tiny","messages":[{"role":"user","content":"a"}],"options":{"num_predict":4,"seed":1,"temperature":0.5,"stop":["b"]},"format":{"type":"boolean"},"think":false,"stream":true}"""),
        ("/api/chat", $$"""{"model":"tiny","messages":[{"role":"user","content":"a"}],"options":{"num_predict":4},"tools":[{{Tool}}],"stream":false}"""),
        ("/api/generate", """{"model":"tiny","prompt":"a","system":"b","options":{"num_predict":4,"top_k":3},"format":"json","stream":false}"""),
        ("/api/embed", """{"model":"vectors","input":["a","b"],"truncate":true}"""), ("/api/show", """{"model":"tiny"}"""),
        ("/tokenize", """{"content":"ab","with_pieces":true,"add_special":true}"""), ("/detokenize", """{"tokens":[5,6]}"""),
        ("/apply-template", """{"messages":[{"role":"user","content":"ab"}]}"""),
    ];

    [Fact]
    public async Task NothingBreaksTheServer()
    {
        await using TestServer server = await TestServer.StartAsync(length: 150, template: Language.Tools.MadeTemplates.Tagged, configure: options => options.MaximumBodyBytes = 100_000);
        Dictionary<int, int> statuses = [];
        Gen.Int.Sample(seed =>
        {
            (string path, byte[] body) = Draw(new Random(seed));
            using HttpResponseMessage reply = server.Http.PostAsync(path, new ByteArrayContent(body)).GetAwaiter().GetResult();
            string text = reply.Content.ReadAsStringAsync().GetAwaiter().GetResult();
            bool isRight = ((int)reply.StatusCode < 500 || reply.StatusCode == HttpStatusCode.ServiceUnavailable) && !text.Contains(".cs:line", StringComparison.Ordinal)
                && !text.Contains("   at Lemma.", StringComparison.Ordinal) && !text.Contains("   at System.", StringComparison.Ordinal)
                && !text.Contains("internal_error", StringComparison.Ordinal) && (reply.IsSuccessStatusCode || JsonElement.Parse(text).TryGetProperty("error", out _));
            if (!isRight)
                Assert.Fail($"{path} {reply.StatusCode}\n{text}\n{server.Log.Lines.LastOrDefault(line => line.StartsWith("Error", StringComparison.Ordinal))}\n{Encoding.UTF8.GetString(body)}");
            statuses[(int)reply.StatusCode] = statuses.GetValueOrDefault((int)reply.StatusCode) + 1;
        }, iter: Bodies, threads: 1);
        // The bodies are near enough to right ones, and the server answers as before.
        Assert.True(statuses[200] > Bodies / 20 && statuses[400] > Bodies / 4, string.Join(", ", statuses));
        foreach ((string path, string body) in Right.Skip(1).Take(1))
            Assert.True((await server.Http.PostAsync(path, new StringContent(body), TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        await server.QuietAsync();
        Assert.True((await server.Http.GetAsync("/health", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
    }

    [Fact]
    public async Task RightBodiesAreTaken()
    {
        await using TestServer server = await TestServer.StartAsync(length: 600, template: Language.Tools.MadeTemplates.Tagged);
        foreach ((string path, string body) in Right)
        {
            using HttpResponseMessage reply = await server.Http.PostAsync(path, new StringContent(body), TestContext.Current.CancellationToken);
            Assert.True(reply.IsSuccessStatusCode, $"{path} {body} {await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
        }
    }

    [Fact]
    public async Task EveryRouteOfTheDocumentIsTried()
    {
        await using TestServer server = await TestServer.StartAsync();
        JsonElement paths = JsonElement.Parse(await server.Http.GetStringAsync("/openapi/v1.json", TestContext.Current.CancellationToken)).GetProperty("paths");
        Assert.Equal(paths.EnumerateObject().Where(path => path.Value.TryGetProperty("post", out _)).Select(path => path.Name).Order(StringComparer.Ordinal),
            Right.Select(one => one.Path).Distinct().Order(StringComparer.Ordinal));
    }

    /// <summary>Random messages over one WebSocket: each is answered by events to an end, or by an error, and the connection lives unless its bytes are no text.</summary>
    [Fact]
    public async Task NothingBreaksAConnection()
    {
        await using TestServer server = await TestServer.StartAsync(length: 150, template: Language.Tools.MadeTemplates.Tagged, configure: options => options.MaximumBodyBytes = 100_000);
        SocketClient client = await SocketClient.OpenAsync(server);
        (int ended, int refused) = (0, 0);
        Gen.Int.Sample(seed =>
        {
            string message = DrawMessage(new Random(seed));
            List<JsonElement> events = client.TurnAsync(message).GetAwaiter().GetResult();
            string last = events[^1].GetRawText();
            bool isError = events[^1].GetProperty("type").GetString() == "error";
            bool isRight = !last.Contains("   at ", StringComparison.Ordinal) && !last.Contains("internal_error", StringComparison.Ordinal) && (isError
                ? events[^1].GetProperty("status").GetInt32() is < 500 or 503 && events[^1].GetProperty("error").GetProperty("code").GetString() is { Length: > 0 }
                : events.All(one => OpenAIDocument.WrongEvent(one) is null));
            if (!isRight)
                Assert.Fail($"{last}\n{server.Log.Lines.LastOrDefault(line => line.StartsWith("Error", StringComparison.Ordinal))}\n{message}");
            (ended, refused) = (ended + (isError ? 0 : 1), refused + (isError ? 1 : 0));
        }, iter: Bodies / 2, threads: 1);
        Assert.True(ended > Bodies / 40 && refused > Bodies / 8, $"{ended} ended, {refused} were refused");
        await client.DisposeAsync();
        await server.QuietAsync();
    }

    private static string DrawMessage(Random random)
    {
        string body;
        if (random.Next(3) == 0)
            body = new RandomBody(random).Of(OpenAIDocument.Schema("CreateResponse"));
        else
        {
            string[] right = [.. Right.Where(one => one.Path == "/v1/responses").Select(one => one.Body.Replace(",\"stream\":true", "", StringComparison.Ordinal))];
            body = right[random.Next(right.Length)];
        }
        if (random.Next(20) > 0 && body.StartsWith('{'))
            body = "{\"type\":\"response.create\"" + (body.Length > 2 ? "," : "") + body[1..];
        for (int i = random.Next(3); i > 0; i--)
            body = new RandomBody(random).Changed(body);
        body = body.Replace("HALF", "\\ud83d", StringComparison.Ordinal);
        return random.Next(40) == 0 ? body[..random.Next(body.Length)] : body;
    }

    private static (string Path, byte[] Body) Draw(Random random)
    {
        string path, body;
        if (random.Next(3) == 0)
        {
            (path, string schema) = OfTheDocument[random.Next(OfTheDocument.Length)];
            body = new RandomBody(random).Of(OpenAIDocument.Schema(schema));
        }
        else
            (path, body) = Right[random.Next(Right.Length)];
        for (int i = random.Next(4); i > 0; i--)
            body = new RandomBody(random).Changed(body);
        // Half a character, which a builder of JSON cannot hold.
        byte[] bytes = Encoding.UTF8.GetBytes(body.Replace("HALF", "\\ud83d", StringComparison.Ordinal));
        if (random.Next(12) == 0)
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return random.Next(40) == 0 ? (path, bytes[..random.Next(bytes.Length)]) : (path, bytes);
    }
}
