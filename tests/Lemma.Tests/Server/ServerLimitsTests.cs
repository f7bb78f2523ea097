using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lemma.Language;
using Lemma.Server;
using Lemma.Server.Http;
using Lemma.Tests.Language;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Lemma.Tests.Server;

/// <summary>What stands around the APIs: texts in order, the document, other origins, limits by key and time, models under a budget, ids and the log.</summary>
public class ServerLimitsTests
{
    private const string Chat = "/v1/chat/completions", Short = """{"model":"tiny","messages":[{"role":"user","content":"ab"}],"max_tokens":4}""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TextsAreOrderedByTheirVectors()
    {
        await using TestServer server = await TestServer.StartAsync();
        string[] texts = ["b b b", "ab ab", "a"];
        float[][] vectors = server.Embedding.Embed(["ab", .. texts]);
        int[] order = [.. Enumerable.Range(0, 3).OrderByDescending(i => EmbeddingModel.Similarity(vectors[0], vectors[i + 1]))];
        (int status, JsonElement body, _) = await server.PostAsync("/v1/rerank", """{"model":"vectors","query":"ab","documents":["b b b",{"text":"ab ab"},"a"],"return_documents":true}""");
        Assert.Equal(200, status);
        JsonElement[] results = [.. body.GetProperty("results").EnumerateArray()];
        Assert.Equal(order, results.Select(one => one.GetProperty("index").GetInt32()));
        Assert.All(results, one => Assert.Equal(EmbeddingModel.Similarity(vectors[0], vectors[one.GetProperty("index").GetInt32() + 1]), one.GetProperty("relevance_score").GetDouble()));
        Assert.Equal(order.Select(i => texts[i]), results.Select(one => one.GetProperty("document").GetProperty("text").GetString()));
        (_, body, _) = await server.PostAsync("/v1/rerank", """{"model":"vectors","query":"ab","documents":["b","a"],"top_n":1}""");
        Assert.False(Assert.Single(body.GetProperty("results").EnumerateArray()).TryGetProperty("document", out _));
        Assert.Equal(400, (await server.PostAsync("/v1/rerank", """{"model":"vectors","query":"ab","documents":[]}""")).Status);
        Assert.Equal(400, (await server.PostAsync("/v1/rerank", """{"model":"tiny","query":"ab","documents":["a"]}""")).Status);
    }

    [Fact]
    public async Task TheDocumentHasEveryRoute()
    {
        await using TestServer server = await TestServer.StartAsync(configure: options => options.Origins.Add("*"));
        JsonElement document = JsonElement.Parse(await server.Http.GetStringAsync("/openapi/v1.json", Token));
        Assert.Equal("3.1.0", document.GetProperty("openapi").GetString());
        string[] told = [.. document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()} {path.Name}")).Order(StringComparer.Ordinal)];
        string[] mapped = [.. server.App.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().SelectMany(endpoint =>
            endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods.Where(method => method is not ("OPTIONS" or "CONNECT"))
                .Select(method => $"{method} {Regex.Replace(endpoint.RoutePattern.RawText!, @"\{\*\*", "{")}")).Order(StringComparer.Ordinal)];
        Assert.Equal(mapped, told);
        Assert.True(document.GetProperty("paths").GetProperty("/v1/responses").GetProperty("get").GetProperty("responses").TryGetProperty("101", out _));
        Assert.Equal(["model", "messages"], document.GetProperty("paths").GetProperty(Chat).GetProperty("post").GetProperty("requestBody").GetProperty("content")
            .GetProperty("application/json").GetProperty("schema").GetProperty("required").EnumerateArray().Select(one => one.GetString()));
    }

    [Fact]
    public async Task OtherOriginsAskWhereTheyMay()
    {
        await using TestServer server = await TestServer.StartAsync(configure: options => options.Origins.Add("https://example.org"));
        async Task<HttpResponseMessage> Ask(HttpMethod method, string origin)
        {
            HttpRequestMessage request = new(method, Chat) { Content = method == HttpMethod.Post ? new StringContent(Short) : null };
            request.Headers.Add("Origin", origin);
            request.Headers.Add("Access-Control-Request-Headers", "authorization,content-type");
            return await server.Http.SendAsync(request, Token);
        }
        using HttpResponseMessage before = await Ask(HttpMethod.Options, "https://example.org"), asked = await Ask(HttpMethod.Post, "https://example.org"), other = await Ask(HttpMethod.Options, "https://example.com");
        Assert.Equal((204, "https://example.org", "authorization,content-type"), ((int)before.StatusCode, before.Headers.GetValues("Access-Control-Allow-Origin").Single(),
            string.Join(',', before.Headers.GetValues("Access-Control-Allow-Headers"))));
        Assert.Equal((200, "https://example.org"), ((int)asked.StatusCode, asked.Headers.GetValues("Access-Control-Allow-Origin").Single()));
        Assert.False(other.Headers.Contains("Access-Control-Allow-Origin"));
        await using TestServer none = await TestServer.StartAsync();
        using HttpResponseMessage closed = await none.Http.SendAsync(new HttpRequestMessage(HttpMethod.Options, Chat), Token);
        Assert.Equal(405, (int)closed.StatusCode);
        Assert.Throws<ArgumentException>(() => new Origins(["https://example.org/path"]));
    }

    [Fact]
    public async Task AKeyHasItsRequestsAndTokens()
    {
        await using TestServer server = await TestServer.StartAsync(configure: options =>
        {
            options.RequestsPerMinute = 3;
            options.ApiKeys.Add("one");
            options.ApiKeys.Add("two");
        });
        server.Http.DefaultRequestHeaders.Add("X-Api-Key", "one");
        for (int i = 0; i < 3; i++)
            Assert.Equal(200, (await server.PostAsync(Chat, Short)).Status);
        (int status, JsonElement body, HttpResponseMessage response) = await server.PostAsync(Chat, Short);
        Assert.Equal((429, "rate_limit_exceeded", "rate_limit_error"), (status, body.GetProperty("error").GetProperty("code").GetString(), body.GetProperty("error").GetProperty("type").GetString()));
        Assert.InRange(int.Parse(response.Headers.RetryAfter!.ToString(), CultureInfo.InvariantCulture), 1, 20);
        (status, body, _) = await server.PostAsync("/v1/messages", "{}");
        Assert.Equal((429, "rate_limit_error"), (status, body.GetProperty("error").GetProperty("type").GetString()));
        Assert.Equal(200, (int)(await server.Http.GetAsync("/v1/models", Token)).StatusCode);
        server.Http.DefaultRequestHeaders.Remove("X-Api-Key");
        server.Http.DefaultRequestHeaders.Add("X-Api-Key", "two");
        Assert.Equal(200, (await server.PostAsync(Chat, Short)).Status);

        await using TestServer tokens = await TestServer.StartAsync(configure: options => options.TokensPerMinute = 10);
        Assert.Equal(200, (await tokens.PostAsync(Chat, Short)).Status);
        for (int i = 0; i < 100 && (status = (await tokens.PostAsync(Chat, Short)).Status) == 200; i++)
            Assert.True(i < 3, "tokens are not counted");
        Assert.Equal(429, status);
    }

    [Fact]
    public void WhatIsSavedIsAMinutesWorth()
    {
        HandClock clock = new();
        RateLimits limits = new(60, 100, clock);
        limits.Take(0);
        limits.Charge(0, 150);
        ApiException error = Assert.Throws<ApiException>(() => limits.Take(0));
        // 51 tokens are missing, at 100 a minute.
        Assert.Equal((429, 31), (error.Status, error.RetryAfter));
        limits.Take(1);
        clock.Now += TimeSpan.FromSeconds(30);
        Assert.Throws<ApiException>(() => limits.Take(0));
        clock.Now += TimeSpan.FromSeconds(1);
        limits.Take(0);
        clock.Now += TimeSpan.FromHours(1);
        for (int i = 0; i < 60; i++)
            limits.Take(2);
        Assert.Equal(1, Assert.Throws<ApiException>(() => limits.Take(2)).RetryAfter);
    }

    [Fact]
    public async Task ARequestHasItsTime()
    {
        await using TestServer server = await TestServer.StartAsync(length: 300_000, configure: options => options.MostTime = TimeSpan.FromMilliseconds(400));
        string endless = Short.Replace("\"max_tokens\":4", "\"ignore_eos\":true", StringComparison.Ordinal);
        (int status, JsonElement body, _) = await server.PostAsync(Chat, endless);
        Assert.Equal((408, "request_timeout"), (status, body.GetProperty("error").GetProperty("code").GetString()));
        List<string> lines = await server.LinesAsync(Chat, endless.Replace("\"ignore_eos\"", "\"stream\":true,\"ignore_eos\"", StringComparison.Ordinal));
        Assert.Equal("request_timeout", JsonElement.Parse(lines[^1]["data: ".Length..]).GetProperty("error").GetProperty("code").GetString());
        lines = await server.LinesAsync("/v1/responses", """{"model":"tiny","input":"ab","ignore_eos":true,"stream":true}""");
        JsonElement failed = JsonElement.Parse(lines[^1]["data: ".Length..]);
        Assert.Equal(("response.failed", "failed"), (failed.GetProperty("type").GetString(), failed.GetProperty("response").GetProperty("status").GetString()));
        await server.QuietAsync();
        Assert.Equal(200, (await server.PostAsync(Chat, Short)).Status);
    }

    [Fact]
    public async Task ModelsComeAndGoUnderABudget()
    {
        using TemporaryFolder other = new();
        string second = ChatModel.Write(other, 5000);
        await using TestServer server = await TestServer.StartAsync(configure: options =>
        {
            options.Models[0] = options.Models[0] with { Aliases = ["gpt-4o-mini"] };
            options.Models.Add(new ServedModel("second", second));
            options.ModelBytes = new FileInfo(second).Length;
        });
        Assert.Empty(server.State.Engines);
        string[] listed = [.. JsonElement.Parse(await server.Http.GetStringAsync("/v1/models", Token)).GetProperty("data").EnumerateArray().Select(one => one.GetProperty("id").GetString()!)];
        Assert.Equal(["tiny", "vectors", "second"], listed);
        (int status, JsonElement body, _) = await server.PostAsync(Chat, Short.Replace("\"tiny\"", "\"gpt-4o-mini\"", StringComparison.Ordinal));
        Assert.Equal((200, "tiny"), (status, body.GetProperty("model").GetString()));
        Assert.Equal(["tiny"], server.State.Engines.Select(engine => engine.Name));
        Assert.Equal(200, (await server.PostAsync(Chat, Short.Replace("tiny", "second", StringComparison.Ordinal))).Status);
        Assert.Equal(["second"], server.State.Engines.Select(engine => engine.Name));
        // While one answers, there is no room for the other.
        using HttpRequestMessage request = new(HttpMethod.Post, Chat) { Content = new StringContent(Short.Replace("tiny", "second", StringComparison.Ordinal).Replace("\"max_tokens\":4", "\"stream\":true,\"ignore_eos\":true", StringComparison.Ordinal)) };
        using (await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token))
        {
            (status, body, HttpResponseMessage busy) = await server.PostAsync(Chat, Short);
            Assert.Equal((503, "model_busy", "1"), (status, body.GetProperty("error").GetProperty("code").GetString(), busy.Headers.RetryAfter!.ToString()));
        }
        for (int i = 0; (await server.PostAsync(Chat, Short)).Status != 200; i++)
        {
            Assert.True(i < 500, "a model that nobody uses stays");
            await Task.Delay(10, Token);
        }
        Assert.Equal(200, (await server.PostAsync("/v1/embeddings", """{"model":"vectors","input":"a"}""")).Status);
        Assert.Contains("vectors", server.State.Engines.Select(engine => engine.Name));
        Assert.True(server.State.Engines.Sum(engine => engine.FileBytes) <= new FileInfo(second).Length);
        Assert.Contains("must fit", Assert.Throws<ArgumentException>(() => new ModelPool(new LemmaServerOptions { Models = { new ServedModel("second", second) }, ModelBytes = 10 })).Message, StringComparison.Ordinal);
        Assert.Contains("'a'", Assert.Throws<ArgumentException>(() => new ModelPool(new LemmaServerOptions
        {
            Models = { new ServedModel("a", second), new ServedModel("b", second) { Aliases = ["a"] } },
        })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheLogHasIdsAndTextsWhereTheyAreAskedFor(bool logsBodies)
    {
        await using TestServer server = await TestServer.StartAsync(configure: options => options.LogsBodies = logsBodies);
        server.Http.DefaultRequestHeaders.Add("X-Request-Id", "my-id.7");
        (_, _, HttpResponseMessage response) = await server.PostAsync(Chat, Short.Replace("\"ab\"", "\"sesame\"", StringComparison.Ordinal));
        Assert.Equal("my-id.7", response.Headers.GetValues("X-Request-Id").Single());
        server.Http.DefaultRequestHeaders.Remove("X-Request-Id");
        server.Http.DefaultRequestHeaders.TryAddWithoutValidation("X-Request-Id", "a b\u007f");
        (_, _, response) = await server.PostAsync("/v1/chat/completions", "{\"model\":\"sesame\"");
        Assert.Matches("^[A-Za-z0-9-]+$", response.Headers.GetValues("X-Request-Id").Single());
        await server.QuietAsync();
        for (int i = 0; server.Log.Lines.Length < 2 && i < 100; i++)
            await Task.Delay(10, Token);
        Assert.Contains(server.Log.Lines, line => line.Contains("Request my-id.7 POST /v1/chat/completions: 200 in ", StringComparison.Ordinal));
        Assert.Equal(logsBodies, server.Log.Lines.Any(line => line.Contains("sesame", StringComparison.Ordinal)));
    }
}
