using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Lemma.Decoding;

namespace Lemma.Tests.Server;

/// <summary>Many clients at once that stream, read slowly, leave in the middle, send what is no request, or too much: what lives is what it is alone, and nothing stays behind.</summary>
public class ServerSoakTests
{
    private const int Clients = 24, Length = 200, Seeds = 40, StateBytes = 600_000, Parts = 4;

    // LEMMA_SOAK takes more: 10000, say.
    private static readonly int Requests = int.Parse(Environment.GetEnvironmentVariable("LEMMA_SOAK") ?? "480", CultureInfo.InvariantCulture);

    private static readonly string[] Broken = ["""{"model":""", "[]", """{"model":"tiny","prompt":5}""", """{"model":"tiny","prompt":"a","max_tokens":-1}"""];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatLivesIsWhatItIsAloneAndNothingStaysBehind()
    {
        await using TestServer server = await TestServer.StartAsync(Length, configure: options =>
            options.Batching = new BatcherOptions { MostSequences = 8, MostWaiting = 16, StateBytes = StateBytes });
        ConcurrentDictionary<int, string> texts = new();
        ConcurrentDictionary<string, int> kinds = new();
        List<long> memory = [];
        for (int part = 0; part < Parts; part++)
        {
            int first = part * Requests / Parts, end = (part + 1) * Requests / Parts;
            await Parallel.ForAsync(first, end, new ParallelOptions { MaxDegreeOfParallelism = Clients, CancellationToken = Token },
                async (i, cancellation) => kinds.AddOrUpdate(await SendAsync(server, i, texts, cancellation), 1, (_, count) => count + 1));
            await server.QuietAsync();
            BatcherCounts counts = server.State.Engines[0].Writer!.Counts;
            Assert.InRange(counts.StateBytes, 0, StateBytes);
            memory.Add(GC.GetTotalMemory(forceFullCollection: true));
        }
        // Each kind came, and the second half took no more memory than the first but for noise.
        Assert.All(["streamed", "whole", "left", "slow", "broken", "long"], kind => Assert.True(kinds.GetValueOrDefault(kind) > 0, $"no request was {kind}"));
        Assert.True(memory[^1] - memory[^2] < 4_000_000, string.Join(", ", memory));
        Assert.True(texts.Count > Seeds / 2, $"{texts.Count} texts");
        foreach ((int seed, string text) in texts.OrderBy(one => one.Key))
        {
            int[] prompt = PromptOf(seed);
            Assert.Equal(server.Alone(prompt, GenerationOptions.Sample(0.8) with { Seed = (ulong)seed, MaximumTokens = 12, StopIds = [] }), text);
        }
    }

    private static int[] PromptOf(int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, random.Next(2, 40)).Select(_ => random.Next(4, 260))];
    }

    private static string Body(int seed, bool streams, int[] prompt) =>
        $$"""{"model":"tiny","prompt":[{{string.Join(',', prompt)}}],"max_tokens":12,"temperature":0.8,"seed":{{seed}},"ignore_eos":true,"stream":{{(streams ? "true" : "false")}}}""";

    private static async Task<string> SendAsync(TestServer server, int number, ConcurrentDictionary<int, string> texts, CancellationToken cancellation)
    {
        Random random = new(number);
        int seed = random.Next(Seeds);
        switch (random.Next(10))
        {
            case 0:
                using (HttpResponseMessage reply = await PostAsync(server, Broken[random.Next(Broken.Length)], cancellation))
                    Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
                return "broken";
            case 1:
                using (HttpResponseMessage reply = await PostAsync(server, Body(seed, false, [.. Enumerable.Repeat(5, Length + 1)]), cancellation))
                    Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
                return "long";
            case 2 or 3:
                using (CancellationTokenSource leaves = CancellationTokenSource.CreateLinkedTokenSource(cancellation))
                {
                    leaves.CancelAfter(random.Next(1, 20));
                    try
                    {
                        using HttpResponseMessage reply = await PostAsync(server, Body(seed, true, PromptOf(seed)), leaves.Token);
                        await reply.Content.ReadAsStringAsync(leaves.Token);
                    }
                    catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
                    {
                        // It left.
                    }
                }
                return "left";
            case 4 or 5 or 6:
                return await WholeAsync(server, seed, texts, cancellation);
            case var kind:
                return await StreamedAsync(server, seed, texts, isSlow: kind == 9, cancellation);
        }
    }

    private static async Task<string> WholeAsync(TestServer server, int seed, ConcurrentDictionary<int, string> texts, CancellationToken cancellation)
    {
        using HttpResponseMessage reply = await PostAsync(server, Body(seed, false, PromptOf(seed)), cancellation);
        if (IsFull(reply))
            return "full";
        JsonElement body = JsonElement.Parse(await reply.Content.ReadAsStringAsync(cancellation));
        Keep(texts, seed, body.GetProperty("choices")[0].GetProperty("text").GetString()!);
        return "whole";
    }

    private static async Task<string> StreamedAsync(TestServer server, int seed, ConcurrentDictionary<int, string> texts, bool isSlow, CancellationToken cancellation)
    {
        using HttpResponseMessage reply = await PostAsync(server, Body(seed, true, PromptOf(seed)), cancellation);
        if (IsFull(reply))
            return "full";
        StringBuilder text = new();
        using StreamReader lines = new(await reply.Content.ReadAsStreamAsync(cancellation));
        while (await lines.ReadLineAsync(cancellation) is { } line)
        {
            if (isSlow)
                await Task.Delay(3, cancellation);
            if (!line.StartsWith("data: {", StringComparison.Ordinal))
                continue;
            foreach (JsonElement choice in JsonElement.Parse(line[6..]).GetProperty("choices").EnumerateArray())
                text.Append(choice.GetProperty("text").GetString());
        }
        Keep(texts, seed, text.ToString());
        return isSlow ? "slow" : "streamed";
    }

    // No 5xx but this one.
    private static bool IsFull(HttpResponseMessage reply)
    {
        if (reply.StatusCode == HttpStatusCode.ServiceUnavailable)
            return true;
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        return false;
    }

    private static void Keep(ConcurrentDictionary<int, string> texts, int seed, string text) => Assert.Equal(texts.GetOrAdd(seed, text), text);

    private static Task<HttpResponseMessage> PostAsync(TestServer server, string body, CancellationToken cancellation) =>
        server.Http.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = new StringContent(body, Encoding.UTF8, "application/json") },
            HttpCompletionOption.ResponseHeadersRead, cancellation);
}
