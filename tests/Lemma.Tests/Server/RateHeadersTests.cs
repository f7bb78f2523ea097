using Lemma.Server.Http;

namespace Lemma.Tests.Server;

/// <summary>What a key has left stands in the headers of every reply to it, in the words of the API.</summary>
public class RateHeadersTests
{
    private const string Chat = """{"model":"tiny","messages":[{"role":"user","content":"ab"}],"max_tokens":4,"ignore_eos":true}""",
        Message = """{"model":"tiny","messages":[{"role":"user","content":"ab"}],"max_tokens":4}""";

    [Theory]
    [InlineData(0, "0s"), InlineData(0.0004, "1ms"), InlineData(0.017, "17ms"), InlineData(0.9991, "1s"), InlineData(8.64, "8.64s"), InlineData(59.9999, "1m0s")]
    [InlineData(360, "6m0s"), InlineData(61.25, "1m1.25s"), InlineData(3600, "1h0m0s"), InlineData(90061.5, "25h1m1.5s")]
    public void DurationsAreGos(double seconds, string told) => Assert.Equal(told, RateHeaders.Duration(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public async Task OpenAIsHeadersTellWhatIsLeft()
    {
        HandClock clock = new();
        await using TestServer server = await TestServer.StartAsync(configure: options =>
        {
            (options.RequestsPerMinute, options.TokensPerMinute, options.Clock) = (2, 1000, clock);
            options.ApiKeys.Add("one");
            options.ApiKeys.Add("two");
        });
        server.Http.DefaultRequestHeaders.Add("X-Api-Key", "one");
        (int status, System.Text.Json.JsonElement body, HttpResponseMessage response) = await server.PostAsync("/v1/chat/completions", Chat);
        Assert.Equal(200, status);
        Assert.Equal(("2", "1", "30s"), Told(response, "requests"));
        // What a request takes is known when it has ended: the next one tells it.
        Assert.Equal(("1000", "1000", "0s"), Told(response, "tokens"));
        int taken = body.GetProperty("usage").GetProperty("total_tokens").GetInt32();
        await Charged(server, 0, 1000 - taken);
        (_, _, response) = await server.PostAsync("/v1/chat/completions", Chat);
        Assert.Equal(("2", "0", "1m0s"), Told(response, "requests"));
        Assert.Equal(("1000", (1000 - taken).ToString(System.Globalization.CultureInfo.InvariantCulture), RateHeaders.Duration(TimeSpan.FromMinutes(taken / 1000.0))), Told(response, "tokens"));
        (status, _, response) = await server.PostAsync("/v1/chat/completions", Chat);
        Assert.Equal((429, ("2", "0", "1m0s"), "30"), (status, Told(response, "requests"), response.Headers.RetryAfter!.ToString()));
        clock.Now += TimeSpan.FromSeconds(45);
        (status, _, response) = await server.PostAsync("/v1/completions", "{");
        Assert.Equal((400, ("2", "0", "45s")), (status, Told(response, "requests")));
        // Each key has its own, pages that take nothing tell nothing, and one without a key learns nothing.
        response = await server.Http.GetAsync("/v1/models", TestContext.Current.CancellationToken);
        Assert.DoesNotContain(response.Headers, header => header.Key.Contains("ratelimit", StringComparison.OrdinalIgnoreCase));
        server.Http.DefaultRequestHeaders.Remove("X-Api-Key");
        (status, _, response) = await server.PostAsync("/v1/chat/completions", Chat);
        Assert.Equal(401, status);
        Assert.DoesNotContain(response.Headers, header => header.Key.Contains("ratelimit", StringComparison.OrdinalIgnoreCase));
        server.Http.DefaultRequestHeaders.Add("X-Api-Key", "two");
        (_, _, response) = await server.PostAsync("/api/chat", """{"model":"tiny","messages":[{"role":"user","content":"ab"}],"stream":false,"options":{"num_predict":2}}""");
        Assert.Equal(("2", "1", "30s"), Told(response, "requests"));
    }

    [Fact]
    public async Task AnthropicsHeadersTellItInTheirWords()
    {
        HandClock clock = new() { Now = TimeSpan.FromSeconds(0.5) };
        await using TestServer server = await TestServer.StartAsync(configure: options => (options.RequestsPerMinute, options.TokensPerMinute, options.Clock) = (1, 600, clock));
        foreach (int expected in (int[])[200, 429])
        {
            (int status, _, HttpResponseMessage response) = await server.PostAsync("/v1/messages", Message);
            Assert.Equal(expected, status);
            Assert.Equal("1 0 2026-01-01T00:01:01Z", string.Join(' ', ((string[])["limit", "remaining", "reset"]).Select(part => response.Headers.GetValues($"anthropic-ratelimit-requests-{part}").Single())));
            Assert.Equal("600", response.Headers.GetValues("anthropic-ratelimit-tokens-limit").Single());
            Assert.DoesNotContain(response.Headers, header => header.Key.StartsWith("x-ratelimit", StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact]
    public async Task WhatHasNoLimitHasNoHeaders()
    {
        await using TestServer none = await TestServer.StartAsync(), some = await TestServer.StartAsync(configure: options => options.TokensPerMinute = 500);
        foreach (string path in (string[])["/v1/chat/completions", "/v1/messages"])
        {
            (int status, _, HttpResponseMessage response) = await none.PostAsync(path, Message);
            Assert.Equal(200, status);
            Assert.DoesNotContain(response.Headers, header => header.Key.Contains("ratelimit", StringComparison.OrdinalIgnoreCase));
        }
        (_, _, HttpResponseMessage told) = await some.PostAsync("/v1/chat/completions", Message);
        Assert.Equal(3, told.Headers.Count(header => header.Key.Contains("ratelimit", StringComparison.OrdinalIgnoreCase)));
        Assert.Equal(("500", "500", "0s"), Told(told, "tokens"));
    }

    private static (string, string, string) Told(HttpResponseMessage response, string what)
    {
        string Of(string part) => response.Headers.GetValues($"x-ratelimit-{part}-{what}").Single();
        return (Of("limit"), Of("remaining"), Of("reset"));
    }

    // A request is charged behind its reply.
    private static async Task Charged(TestServer server, int owner, long left)
    {
        for (int i = 0; server.State.Limits.Look(owner).Tokens!.Value.Left != left; i++)
        {
            Assert.True(i < 300, "nothing is charged");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }
}
