using System.Globalization;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lemma.Decoding;
using Lemma.Server.Http;
using Lemma.Tests.Language.Tools;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lemma.Tests.Server;

/// <summary>The Responses API by WebSocket: the events of HTTP, turns in order, continuation, errors, limits, origins, keys, and connections that break.</summary>
public class ResponseSocketTests
{
    private const string Path = "/v1/responses", Endless = """{"type":"response.create","model":"tiny","input":"ab","ignore_eos":true}""",
        Short = """{"type":"response.create","model":"tiny","input":"ab","max_output_tokens":4,"seed":1}""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("\"input\":\"ab\",\"seed\":7,\"temperature\":0.8,\"max_output_tokens\":20,\"include\":[\"message.output_text.logprobs\"],\"store\":false")]
    [InlineData("\"input\":[{\"role\":\"user\",\"content\":\"ab\"}],\"seed\":3,\"tool_choice\":\"required\",\"parallel_tool_calls\":false,\"tools\":[TOOL]")]
    public async Task ATurnIsTheEventsOfTheSameRequestByHttp(string rest)
    {
        await using TestServer server = await TestServer.StartAsync(1200, MadeTemplates.Tagged);
        rest = "\"model\":\"tiny\"," + rest.Replace("TOOL", "{\"type\":\"function\",\"name\":\"lamp\",\"parameters\":" + CallingModel.Schema + "}", StringComparison.Ordinal);
        List<string> lines = await server.LinesAsync(Path, $"{{{rest},\"stream\":true}}");
        string[] expected = [.. lines.Where(line => line.StartsWith("data: {", StringComparison.Ordinal)).Select(line => Plain(line[6..]))];
        await using SocketClient client = await SocketClient.OpenAsync(server);
        for (int i = 0; i < 2; i++)
        {
            List<JsonElement> events = await client.TurnAsync($"{{\"type\":\"response.create\",{rest}}}");
            Assert.All(events, one => Assert.Null(OpenAIDocument.WrongEvent(one)));
            Assert.Equal(expected, events.Select(one => Plain(one.GetRawText())));
        }

        // Ids and times are each response's own, and what was read before is not read again.
        static string Plain(string json) => Regex.Replace(Regex.Replace(json, "\"((resp|msg|rs|fc)_|call_id\":\")[0-9A-Za-z]+\"", "\"$1\""),
            "\"(created_at|completed_at|cached_tokens|cache_write_tokens)\":\\d+", "\"$1\":0");
    }

    [Fact]
    public async Task TurnsThatAreSentTogetherAreAnsweredInOrder()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using SocketClient client = await SocketClient.OpenAsync(server);
        GenerationOptions options = GenerationOptions.Sample(0.8) with { MaximumTokens = 12 };
        int[] prompt = server.ChatPrompt("user: ab\nassistant: ");
        for (int i = 0; i < 8; i++)
            await client.SendAsync($$"""{"type":"response.create","model":"tiny","input":"ab","temperature":0.8,"max_output_tokens":12,"seed":{{i}},"ignore_eos":true}""");
        for (int i = 0; i < 8; i++)
        {
            List<JsonElement> events = await client.TurnAsync();
            Assert.Equal(Enumerable.Range(0, events.Count), events.Select(one => one.GetProperty("sequence_number").GetInt32()));
            Assert.Equal(server.Alone(prompt, options with { Seed = (ulong)i, StopIds = [] }), Text(events));
            Assert.Single(events.Where(one => one.TryGetProperty("response", out _)).Select(one => one.GetProperty("response").GetProperty("id").GetString()).Distinct());
        }
    }

    [Fact]
    public async Task AMessageMayComeInPieces()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using SocketClient client = await SocketClient.OpenAsync(server);
        string whole = Text(await client.TurnAsync(Short));
        byte[] bytes = Encoding.UTF8.GetBytes(Short);
        for (int i = 0; i < bytes.Length; i++)
            await client.SendAsync([bytes[i]], isEnd: i == bytes.Length - 1);
        Assert.Equal(whole, Text(await client.TurnAsync()));
    }

    [Fact]
    public async Task AConnectionGoesOnFromItsOwnResponses()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using SocketClient client = await SocketClient.OpenAsync(server), other = await SocketClient.OpenAsync(server);
        List<JsonElement> first = await client.TurnAsync(Turn("ab", store: false));
        string id = Id(first);
        List<JsonElement> second = await client.TurnAsync(Turn("b", store: false, id));
        GenerationOptions same = GenerationOptions.Sample(0.8) with { Seed = 5, MaximumTokens = 6, StopIds = [] };
        string said = server.Alone(server.ChatPrompt("user: ab\nassistant: "), same);
        Assert.Equal((said, server.Alone(server.ChatPrompt($"user: ab\nassistant: {said}\nuser: b\nassistant: "), same)), (Text(first), Text(second)));
        Assert.Equal(id, second[^1].GetProperty("response").GetProperty("previous_response_id").GetString());
        Assert.False(second[^1].GetProperty("response").GetProperty("store").GetBoolean());
        // It is the connection's alone, and goes with it.
        AssertError(await other.TurnAsync(Turn("b", store: false, id)), 400, "previous_response_not_found", "previous_response_id");
        (int status, JsonElement reply, _) = await server.PostAsync(Path, $$"""{"model":"tiny","input":"a","previous_response_id":"{{id}}"}""");
        Assert.Equal((400, "previous_response_not_found"), (status, reply.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal(404, (int)(await server.Http.GetAsync($"{Path}/{id}", Token)).StatusCode);
        // What is stored is there for all.
        string stored = Id(await client.TurnAsync(Turn("ab", store: true)));
        Assert.Equal(Text(second), Text(await other.TurnAsync(Turn("b", store: false, stored))));
        Assert.Equal(200, (int)(await server.Http.GetAsync($"{Path}/{stored}", Token)).StatusCode);
    }

    [Theory]
    [InlineData("\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"call_1\",\"output\":\"a\"}]", "invalid_value")]
    [InlineData("\"input\":\"a\",\"colour\":1", "unknown_parameter")]
    [InlineData("\"input\":\"a\",\"stream\":true", "unsupported_parameter")]
    public async Task WhatAFailedTurnWentOnFromIsForgotten(string rest, string code)
    {
        await using TestServer server = await TestServer.StartAsync();
        await using SocketClient client = await SocketClient.OpenAsync(server);
        string id = Id(await client.TurnAsync(Turn("ab", store: false))), next = Id(await client.TurnAsync(Turn("b", store: false, id))), kept = Id(await client.TurnAsync(Turn("ab", store: true)));
        foreach (string previous in (string[])[id, kept])
        {
            AssertError(await client.TurnAsync($$"""{"type":"response.create","model":"tiny","store":false,"previous_response_id":"{{previous}}",{{rest}}}"""), 400, code);
        }
        AssertError(await client.TurnAsync(Turn("b", store: false, id)), 400, "previous_response_not_found", "previous_response_id");
        // Others of the connection and those that the server keeps stay.
        Assert.Equal("response.incomplete", Type(await client.TurnAsync(Turn("b", store: false, next))));
        Assert.Equal("response.incomplete", Type(await client.TurnAsync(Turn("b", store: false, kept))));
    }

    [Fact]
    public async Task WhatAConnectionKeepsIsBounded()
    {
        await using TestServer server = await TestServer.StartAsync(configure: options => options.MaximumBodyBytes = 3000);
        await using SocketClient client = await SocketClient.OpenAsync(server);
        string first = Id(await client.TurnAsync(Turn("ab", store: false))), last = "";
        for (int i = 0; i < 10; i++)
            last = Id(await client.TurnAsync(Turn("ab", store: false)));
        Assert.Equal("response.incomplete", Type(await client.TurnAsync(Turn("b", store: false, last))));
        AssertError(await client.TurnAsync(Turn("b", store: false, first)), 400, "previous_response_not_found");
    }

    [Fact]
    public async Task AnErrorIsToldAndTheConnectionLives()
    {
        await using TestServer server = await TestServer.StartAsync(length: 64);
        await using SocketClient client = await SocketClient.OpenAsync(server);
        const string start = "{\"type\":\"response.create\",\"model\":\"tiny\",\"input\":\"a\"";
        (string Message, int Status, string? Param, string Code)[] cases =
        [
            ("", 400, null, "invalid_json"), ("{", 400, null, "invalid_json"), ("[]", 400, null, "invalid_value"), ("5", 400, null, "invalid_value"), ("{}", 400, "type", "missing_required_parameter"),
            ("{\"type\":\"response.create\",\"type\":\"response.create\"}", 400, null, "invalid_json"), ("{\"type\":\"response.create\",\"a\":\"\\ud83d\"}", 400, null, "invalid_json"),
            ("{\"type\":\"response.cancel\"}", 400, "type", "invalid_value"), ("{\"type\":5}", 400, "type", "invalid_value"), ("{\"type\":\"response.create\"}", 400, "model", "missing_required_parameter"),
            ("{\"type\":\"response.create\",\"model\":\"gpt\",\"input\":\"a\"}", 404, "model", "model_not_found"), ("{\"type\":\"response.create\",\"model\":\"vectors\",\"input\":\"a\"}", 400, "model", "unsupported_model"),
            (start + ",\"stream\":false}", 400, "stream", "unsupported_parameter"), (start + ",\"stream_options\":{}}", 400, "stream_options", "unsupported_parameter"),
            (start + ",\"background\":false}", 400, "background", "unsupported_parameter"), (start + ",\"colour\":1}", 400, "colour", "unknown_parameter"),
            (start + ",\"previous_response_id\":\"resp_1\"}", 400, "previous_response_id", "previous_response_not_found"), (start + ",\"previous_response_id\":5}", 400, "previous_response_id", "invalid_value"),
            (start.Replace("\"a\"", $"\"{new string('a', 200)}\"", StringComparison.Ordinal) + "}", 400, "input", "context_length_exceeded"),
            (new string('[', 5000), 400, null, "invalid_json"),
        ];
        foreach ((string message, int status, string? param, string code) in cases)
        {
            List<JsonElement> events = await client.TurnAsync(message);
            JsonElement error = AssertError(events, status, code, param);
            Assert.NotEmpty(error.GetProperty("message").GetString()!);
            Assert.NotEmpty(error.GetProperty("type").GetString()!);
        }
        Assert.Equal(0, server.State.Engines[0].Writer!.Counts.Ended);
        Assert.Equal("response.incomplete", Type(await client.TurnAsync(start + ",\"max_output_tokens\":2,\"ignore_eos\":true}")));
    }

    [Fact]
    public async Task WhatIsNoMessageEndsTheConnectionBehindItsTurns()
    {
        await using TestServer server = await TestServer.StartAsync(configure: options => options.MaximumBodyBytes = 2000);
        async Task Ends(Func<SocketClient, Task> send, int turns, int status, string code, WebSocketCloseStatus closes)
        {
            await using SocketClient client = await SocketClient.OpenAsync(server);
            await send(client);
            for (int i = 0; i < turns; i++)
                Assert.NotEqual("error", Type(await client.TurnAsync()));
            AssertError(await client.TurnAsync(), status, code);
            Assert.Equal(closes, await client.ClosedAsync());
        }
        await Ends(async client =>
        {
            await client.SendAsync(Short);
            await client.SendAsync(Encoding.UTF8.GetBytes(Short), WebSocketMessageType.Binary);
            await client.SendAsync(Short);
        }, 1, 400, "binary_message", WebSocketCloseStatus.InvalidMessageType);
        await Ends(client => client.SendAsync(new string(' ', 2001)), 0, 413, "request_too_large", WebSocketCloseStatus.MessageTooBig);
        await Ends(async client =>
        {
            for (int i = 0; i < 300; i++)
                await client.SendAsync(new byte[100], isEnd: false);
        }, 0, 413, "request_too_large", WebSocketCloseStatus.MessageTooBig);
        // More than wait are refused, be it by their number or by their bytes.
        await using TestServer slow = await TestServer.StartAsync(length: 100_000, configure: options => (options.MostTime, options.MaximumBodyBytes) = (TimeSpan.FromMilliseconds(300), 2000));
        foreach ((string message, int most) in (IEnumerable<(string, int)>)[("{}", SocketMessages.MostWaiting), (new string(' ', 900), 2)])
        {
            await using SocketClient client = await SocketClient.OpenAsync(slow);
            await client.SendAsync(Endless);
            await client.NextAsync();
            for (int i = 0; i < most + 3; i++)
                await client.SendAsync(message);
            Assert.Equal("response.failed", Type(await client.TurnAsync()));
            for (int i = 0; i < most; i++)
                AssertError(await client.TurnAsync(), 400, message == "{}" ? "missing_required_parameter" : "invalid_json");
            AssertError(await client.TurnAsync(), 429, "too_many_messages");
            Assert.Equal(WebSocketCloseStatus.PolicyViolation, await client.ClosedAsync());
        }
        // Bytes that are no text are none of the protocol's.
        await using SocketClient broken = await SocketClient.OpenAsync(server);
        await broken.SendAsync([0xff, 0xfe]);
        Assert.Equal(WebSocketCloseStatus.InvalidPayloadData, await broken.ClosedAsync());
        Assert.True((await server.Http.GetAsync("/health", Token)).IsSuccessStatusCode);
    }

    [Theory]
    [InlineData("abort")]
    [InlineData("close")]
    [InlineData("deaf")]
    public async Task AClientThatLeavesFreesItsPages(string how)
    {
        await using TestServer server = await TestServer.StartAsync(length: 300_000, configure: options => options.Batching = new BatcherOptions { MostSequences = 1, MostWaiting = 8 });
        await using SocketClient client = await SocketClient.OpenAsync(server);
        await client.SendAsync(Endless);
        await client.SendAsync(Endless);
        for (int i = 0; i < 5; i++)
            Assert.NotNull(await client.NextAsync());
        Assert.Equal(1, server.State.Engines[0].Writer!.Counts.Running);
        if (how == "close")
        {
            await client.Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Token);
            while (await client.NextAsync() is not null)
                continue;
            Assert.Equal(WebSocketCloseStatus.NormalClosure, client.Socket.CloseStatus);
        }
        else
        {
            // One that does not read holds the server's writes up, and is noticed all the same.
            if (how == "deaf")
                await Task.Delay(300, Token);
            client.Socket.Abort();
        }
        await server.QuietAsync();
        Assert.Equal((0, 0), (server.State.Engines[0].Writer!.Counts.StateBytes, server.State.Engines[0].Writer!.Counts.Sequences));
        await LoggedAsync(server, "GET /v1/responses: 101");
        // The second turn was not begun.
        Assert.Equal(1, server.State.Engines[0].Writer!.Counts.Ended);
        Assert.DoesNotContain(server.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));
        await using SocketClient next = await SocketClient.OpenAsync(server);
        Assert.NotEqual("error", Type(await next.TurnAsync(Short)));
    }

    [Fact]
    public async Task KeysAndOriginsAreCheckedBeforeAConnectionOpens()
    {
        await using TestServer server = await TestServer.StartAsync(configure: options =>
        {
            options.ApiKeys.Add("one");
            options.ApiKeys.Add("two");
            options.Origins.Add("https://example.org");
        });
        Assert.Equal(401, await SocketClient.RefusedAsync(server, options => { }));
        Assert.Equal(401, await SocketClient.RefusedAsync(server, options => options.SetRequestHeader("Authorization", "Bearer three")));
        foreach (string origin in (string[])["https://example.com", "http://example.org", "null", "https://example.org.example.com", $"http://localhost:{server.Address.Port}"])
        {
            Assert.Equal(403, await SocketClient.RefusedAsync(server, options =>
            {
                options.SetRequestHeader("X-Api-Key", "one");
                options.SetRequestHeader("Origin", origin);
            }));
        }
        string id = "";
        foreach (string? origin in (string?[])[null, "https://example.org", server.Address.GetLeftPart(UriPartial.Authority)])
        {
            await using SocketClient client = await SocketClient.OpenAsync(server, options =>
            {
                options.SetRequestHeader("Authorization", "Bearer one");
                options.SetRequestHeader("Origin", origin);
            });
            id = Id(await client.TurnAsync(Short));
        }
        // What a key stores is that key's.
        await using SocketClient other = await SocketClient.OpenAsync(server, options => options.SetRequestHeader("Authorization", "Bearer two"));
        AssertError(await other.TurnAsync(Turn("b", store: false, id)), 400, "previous_response_not_found");
        // Without an upgrade there is no connection.
        server.Http.DefaultRequestHeaders.Add("X-Api-Key", "one");
        using HttpResponseMessage plain = await server.Http.GetAsync(Path, Token);
        Assert.Equal((426, "websocket"), ((int)plain.StatusCode, plain.Headers.Upgrade.ToString()));
    }

    [Fact]
    public async Task ATurnIsARequestWithItsOwnIdAndLimits()
    {
        await using TestServer server = await TestServer.StartAsync(configure: options => options.RequestsPerMinute = 3);
        await using (SocketClient client = await SocketClient.OpenAsync(server, options => options.SetRequestHeader("X-Request-Id", "mine")))
        {
            Assert.Equal("mine", client.Socket.HttpResponseHeaders!["X-Request-Id"].Single());
            string first = Id(await client.TurnAsync(Turn("sesame", store: false)));
            Assert.Equal("mine-2", AssertError(await client.TurnAsync("{\"type\":\"response.create\",\"model\":\"sesame\"}"), 404, "model_not_found").GetProperty("request_id").GetString());
            await client.TurnAsync(Short);
            JsonElement error = AssertError(await client.TurnAsync(Turn("b", store: false, first)), 429, "rate_limit_exceeded");
            Assert.InRange(error.GetProperty("retry_after").GetInt32(), 1, 20);
            Assert.Equal(429, (await server.PostAsync(Path, "{}")).Status);
            await client.Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Token);
        }
        await LoggedAsync(server, "Request mine GET /v1/responses: 101 in ");
        Assert.Contains(server.Log.Lines, line => Regex.IsMatch(line, "Request mine-1 TURN /v1/responses: 200 in \\d+ ms, [1-9]\\d* tokens"));
        Assert.Contains(server.Log.Lines, line => line.Contains("Request mine-4 TURN /v1/responses: 429 in ", StringComparison.Ordinal));
        Assert.DoesNotContain(server.Log.Lines, line => line.Contains("sesame", StringComparison.Ordinal));
        string metrics = await server.Http.GetStringAsync("/metrics", Token);
        foreach (string line in (string[])["status=\"101\"} 1", "status=\"200\"} 2", "status=\"404\"} 1", "status=\"429\"} 2"])
            Assert.Contains($"lemma_requests_total{{path=\"/v1/responses\",{line}\n", metrics, StringComparison.Ordinal);
        // The connection's own time is none of a request's; this one is not counted yet.
        Assert.Contains("lemma_request_seconds_count 5\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BodiesAreLoggedWhereThatIsAskedFor()
    {
        await using TestServer server = await TestServer.StartAsync(configure: options => options.LogsBodies = true);
        await using SocketClient client = await SocketClient.OpenAsync(server);
        await client.TurnAsync(Turn("sesame", store: false));
        await LoggedAsync(server, "sesame");
    }

    [Fact]
    public async Task ATurnAndAConnectionHaveTheirTime()
    {
        await using TestServer server = await TestServer.StartAsync(length: 300_000, configure: options => options.MostTime = TimeSpan.FromMilliseconds(400));
        await using SocketClient client = await SocketClient.OpenAsync(server);
        string previous = Id(await client.TurnAsync(Short));
        List<JsonElement> late = await client.TurnAsync(Endless.Replace("\"input\"", $"\"store\":false,\"previous_response_id\":\"{previous}\",\"input\"", StringComparison.Ordinal));
        Assert.Equal(("response.failed", "failed"), (Type(late), late[^1].GetProperty("response").GetProperty("status").GetString()));
        Assert.NotEqual("error", Type(await client.TurnAsync(Short)));
        // At its own limit a connection ends behind the turn that runs; what waits is not begun.
        server.State.ConnectionTime = TimeSpan.FromMilliseconds(200);
        await using SocketClient idle = await SocketClient.OpenAsync(server), busy = await SocketClient.OpenAsync(server);
        await busy.SendAsync(Endless);
        await busy.SendAsync(Short);
        AssertError(await idle.TurnAsync(), 400, "websocket_connection_limit_reached");
        Assert.Equal(WebSocketCloseStatus.NormalClosure, await idle.ClosedAsync());
        Assert.Equal("response.failed", Type(await busy.TurnAsync()));
        AssertError(await busy.TurnAsync(), 400, "websocket_connection_limit_reached");
        Assert.Equal(WebSocketCloseStatus.NormalClosure, await busy.ClosedAsync());
    }

    [Fact]
    public async Task AServerThatEndsLetsRunningTurnsEnd()
    {
        await using TestServer server = await TestServer.StartAsync(length: 30_000);
        await using SocketClient idle = await SocketClient.OpenAsync(server), busy = await SocketClient.OpenAsync(server);
        await busy.SendAsync(Endless.Replace("\"ignore_eos\"", "\"max_output_tokens\":2000,\"ignore_eos\"", StringComparison.Ordinal));
        await busy.SendAsync(Short);
        Assert.Equal("response.created", (await busy.NextAsync())!.Value.GetProperty("type").GetString());
        Task stops = server.App.StopAsync(Token);
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, await idle.ClosedAsync());
        List<JsonElement> events = await busy.TurnAsync();
        Assert.Equal(("response.incomplete", 2000), (Type(events), events[^1].GetProperty("response").GetProperty("usage").GetProperty("output_tokens").GetInt32()));
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, await busy.ClosedAsync());
        await stops;
    }

    [Fact]
    public async Task ATurnThatOutlastsTheEndIsClosed()
    {
        await using TestServer server = await TestServer.StartAsync(length: 300_000);
        // Of the host's own 30 seconds.
        Assert.Equal(TimeSpan.FromSeconds(27), server.State.DrainTime);
        server.State.DrainTime = TimeSpan.FromMilliseconds(200);
        await using SocketClient client = await SocketClient.OpenAsync(server);
        await client.SendAsync(Endless);
        await client.NextAsync();
        Task stops = server.App.StopAsync(Token);
        while (await client.NextAsync() is { } told)
            Assert.StartsWith("response.", told.GetProperty("type").GetString(), StringComparison.Ordinal);
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, client.Socket.CloseStatus);
        await stops;
    }

    [Fact]
    public async Task ManyConnectionsGetWhatEachWouldGetAlone()
    {
        await using TestServer server = await TestServer.StartAsync(configure: options => options.Batching = new BatcherOptions { MostSequences = 6, StateBytes = 1_000_000 });
        string[] expected = [.. Enumerable.Range(0, 8).SelectMany(seed => Expected(server, seed))];
        await Task.WhenAll(Enumerable.Range(0, 32).Select(async i =>
        {
            int seed = i % 8;
            await using SocketClient client = await SocketClient.OpenAsync(server);
            List<JsonElement> first = await client.TurnAsync(Turn("ab b", store: false, seed: seed));
            Assert.Equal(expected[2 * seed], Text(first));
            if (i % 5 == 0)
            {
                await client.SendAsync(Endless);
                await client.NextAsync();
                client.Socket.Abort();
                return;
            }
            if (i % 7 == 0)
                AssertError(await client.TurnAsync("{\"type\":5}"), 400, "invalid_value");
            await client.SendAsync(Turn("b", store: false, Id(first), seed));
            // Some read slowly.
            await Task.Delay(i % 3 * 50, Token);
            Assert.Equal(expected[(2 * seed) + 1], Text(await client.TurnAsync()));
            await client.Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Token);
        }));
        await server.QuietAsync();
        Assert.DoesNotContain(server.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));

        static IEnumerable<string> Expected(TestServer server, int seed)
        {
            GenerationOptions options = GenerationOptions.Sample(0.8) with { Seed = (ulong)seed, MaximumTokens = 6, StopIds = [] };
            string said = server.Alone(server.ChatPrompt("user: ab b\nassistant: "), options);
            return [said, server.Alone(server.ChatPrompt($"user: ab b\nassistant: {said}\nuser: b\nassistant: "), options)];
        }
    }

    [Fact]
    public async Task AnAppMayHaveSocketsOfItsOwnAndHttp2()
    {
        await using TestServer own = await TestServer.StartAsync(use: app => app.UseWebSockets());
        await using SocketClient client = await SocketClient.OpenAsync(own);
        string expected = Text(await client.TurnAsync(Short));
        await using TestServer second = await TestServer.StartAsync(protocols: HttpProtocols.Http2);
        using SocketsHttpHandler handler = new();
        using HttpMessageInvoker invoker = new(handler);
        await using SocketClient later = await SocketClient.OpenAsync(second, options => (options.HttpVersion, options.HttpVersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact), invoker);
        Assert.Equal(expected, Text(await later.TurnAsync(Short)));
    }

    private static string Turn(string input, bool store, string? previous = null, int seed = 5) => string.Create(CultureInfo.InvariantCulture,
        $$"""{"type":"response.create","model":"tiny","input":"{{input}}","store":{{(store ? "true" : "false")}},"previous_response_id":{{(previous is null ? "null" : $"\"{previous}\"")}},"temperature":0.8,"max_output_tokens":6,"ignore_eos":true,"seed":{{seed}}}""");

    private static string Type(List<JsonElement> events) => events[^1].GetProperty("type").GetString()!;

    private static string Id(List<JsonElement> events) => events[^1].GetProperty("response").GetProperty("id").GetString()!;

    private static string Text(List<JsonElement> events) => string.Concat(events.Where(one => one.GetProperty("type").GetString() == "response.output_text.delta")
        .Select(one => one.GetProperty("delta").GetString()));

    private static JsonElement AssertError(List<JsonElement> events, int status, string code, string? param = null)
    {
        JsonElement told = Assert.Single(events), error = told.GetProperty("error");
        Assert.Equal(("error", status, code), (told.GetProperty("type").GetString(), told.GetProperty("status").GetInt32(), error.GetProperty("code").GetString()));
        if (param is not null)
            Assert.Equal(param, error.GetProperty("param").GetString());
        return error;
    }

    private static async Task LoggedAsync(TestServer server, string text)
    {
        for (int i = 0; !server.Log.Lines.Any(line => line.Contains(text, StringComparison.Ordinal)); i++)
        {
            Assert.True(i < 500, $"the log has no '{text}'");
            await Task.Delay(10, Token);
        }
    }
}
