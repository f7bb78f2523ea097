using System.ClientModel;
using System.Globalization;
using System.Text.Json;
using Lemma.Decoding;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;

namespace Lemma.Tests.Server;

/// <summary>OpenAI's API, by OpenAI's own client for .NET and by plain requests.</summary>
public class OpenAITests
{
    private const string Chat = "/v1/chat/completions", Text = "/v1/completions";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static OpenAIClient Client(TestServer server, string key = "none") =>
        new(new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(server.Address, "v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) });

    [Fact]
    public async Task TheClientOfOpenAIChats()
    {
        await using TestServer server = await TestServer.StartAsync();
        ChatClient client = Client(server).GetChatClient("tiny");
        GenerationOptions same = GenerationOptions.Sample(0.5, topP: 0.9, presencePenalty: 0.5, frequencyPenalty: 0.25, logitBias: [new(260, 5)]) with { Seed = 7, MaximumTokens = 40 };
        string expected = server.Alone(server.ChatPrompt("system: be brief\nuser: ab\nassistant: "), same);
        ChatMessage[] messages = [new SystemChatMessage("be brief"), new UserChatMessage("ab")];
#pragma warning disable OPENAI001
        ChatCompletionOptions options = new() { Temperature = 0.5f, TopP = 0.9f, PresencePenalty = 0.5f, FrequencyPenalty = 0.25f, Seed = 7, MaxOutputTokenCount = 40, IncludeLogProbabilities = true, TopLogProbabilityCount = 2 };
#pragma warning restore OPENAI001
        options.LogitBiases[260] = 5;
        // The client sends single precision.
        same = same with { Steps = GenerationOptions.Sample(0.5, topP: double.Parse("0.9", CultureInfo.InvariantCulture), presencePenalty: 0.5, frequencyPenalty: 0.25, logitBias: [new(260, 5)]).Steps };
        ChatCompletion whole = await client.CompleteChatAsync(messages, options, Token);
        Assert.Equal((expected, ChatFinishReason.Length, "tiny", ChatMessageRole.Assistant), (whole.Content[0].Text, whole.FinishReason, whole.Model, whole.Role));
        Assert.Equal(40, whole.ContentTokenLogProbabilities.Count);
        Assert.All(whole.ContentTokenLogProbabilities, one => Assert.Equal(2, one.TopLogProbabilities.Count));
        int prompt = server.ChatPrompt("system: be brief\nuser: ab\nassistant: ").Length;
        Assert.Equal((prompt, 40, prompt + 40), (whole.Usage.InputTokenCount, whole.Usage.OutputTokenCount, whole.Usage.TotalTokenCount));

        string streamed = "";
        ChatFinishReason? reason = null;
        ChatTokenUsage? usage = null;
        await foreach (StreamingChatCompletionUpdate update in client.CompleteChatStreamingAsync(messages, options, Token))
        {
            streamed += string.Concat(update.ContentUpdate.Select(part => part.Text));
            reason ??= update.FinishReason;
            usage ??= update.Usage;
        }
        Assert.Equal((expected, ChatFinishReason.Length), (streamed, reason));
        Assert.Equal((prompt, 40, prompt - 1), (usage!.InputTokenCount, usage.OutputTokenCount, usage.InputTokenDetails.CachedTokenCount));

        EmbeddingClient vectors = Client(server).GetEmbeddingClient("vectors");
        OpenAIEmbeddingCollection made = await vectors.GenerateEmbeddingsAsync(["ab", "b"], null, Token);
        Assert.Equal(server.Embedding.Embed(["ab", "b"]), made.Select(one => one.ToFloats().ToArray()));
        OpenAIEmbeddingCollection few = await vectors.GenerateEmbeddingsAsync(["ab"], new EmbeddingGenerationOptions { Dimensions = 3 }, Token);
        Assert.Equal(3, few[0].ToFloats().Length);
        var models = await Client(server).GetOpenAIModelClient().GetModelsAsync(Token);
        Assert.Equal(["tiny", "vectors"], models.Value.Select(model => model.Id));
        ClientResultException unknown = await Assert.ThrowsAsync<ClientResultException>(() => Client(server).GetChatClient("gpt").CompleteChatAsync(messages, options, Token));
        Assert.Equal(404, unknown.Status);
        Assert.Contains("The model 'gpt' does not exist", unknown.Message);
    }

    [Fact]
    public async Task AStreamHasTheShapeThatClientsCheck()
    {
        await using TestServer server = await TestServer.StartAsync();
        List<string> lines = await server.LinesAsync(Chat, """
            {"model":"tiny","messages":[{"role":"user","content":[{"type":"text","text":"ab"}]}],"n":2,"seed":3,"max_tokens":5,"stream":true,"stream_options":{"include_usage":true}}
            """);
        Assert.Equal("data: [DONE]", lines[^1]);
        JsonElement[] chunks = [.. lines[..^1].Select(line => JsonElement.Parse(line["data: ".Length..]))];
        Assert.All(chunks, chunk => Assert.Equal(("chat.completion.chunk", chunks[0].GetProperty("id").GetString()),
            (chunk.GetProperty("object").GetString(), chunk.GetProperty("id").GetString())));
        JsonElement[] choices = [.. chunks[..^1].Select(chunk => chunk.GetProperty("choices")[0])];
        Assert.All(choices[..2], choice => Assert.Equal("assistant", choice.GetProperty("delta").GetProperty("role").GetString()));
        Assert.Equal(2, choices.Count(choice => choice.GetProperty("finish_reason").GetString() == "length"));
        Assert.Equal(0, chunks[^1].GetProperty("choices").GetArrayLength());
        Assert.Equal(10, chunks[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        // The two texts are those of one reply, and of the seeds 3 and 4.
        (_, JsonElement whole, _) = await server.PostAsync(Chat, """{"model":"tiny","messages":[{"role":"user","content":"ab"}],"n":2,"seed":3,"max_tokens":5}""");
        for (int i = 0; i < 2; i++)
        {
            string text = string.Concat(choices.Where(choice => choice.GetProperty("index").GetInt32() == i && choice.GetProperty("delta").TryGetProperty("content", out _))
                .Select(choice => choice.GetProperty("delta").GetProperty("content").GetString()));
            Assert.Equal(whole.GetProperty("choices")[i].GetProperty("message").GetProperty("content").GetString(), text);
            Assert.Equal(server.Alone(server.ChatPrompt("user: ab\nassistant: "), new GenerationOptions { Steps = [], Seed = 3 + (ulong)i, MaximumTokens = 5 }), text);
        }
    }

    [Fact]
    public async Task TextsGoOnWithEchoStopsAndLogProbabilities()
    {
        await using TestServer server = await TestServer.StartAsync();
        GenerationOptions same = GenerationOptions.Sample(0.5, logitBias: [new(260, 100), new(261, 100)]) with { Seed = 5, MaximumTokens = 20 };
        string[] expected = [.. ((string[])["ab b", "b"]).Select(prompt => server.Alone(server.Model.Prompt(prompt), same))];
        const string common = "\"model\":\"tiny\",\"seed\":5,\"temperature\":0.5,\"max_tokens\":20,\"logit_bias\":{\"260\":100,\"261\":100}";
        (int status, JsonElement body, _) = await server.PostAsync(Text, $$"""{{{common}},"prompt":["ab b","b"],"echo":true}""");
        Assert.Equal(200, status);
        Assert.Equal(["ab b" + expected[0], "b" + expected[1]], body.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("text").GetString()));
        string stop = expected[0][6..9];
        (_, body, _) = await server.PostAsync(Text, $$"""{{{common}},"prompt":{{JsonSerializer.Serialize(server.Model.Prompt("ab b"))}},"stop":["{{stop}}"],"logprobs":2}""");
        JsonElement choice = body.GetProperty("choices")[0];
        Assert.Equal((expected[0][..expected[0].IndexOf(stop, StringComparison.Ordinal)], "stop"), (choice.GetProperty("text").GetString(), choice.GetProperty("finish_reason").GetString()));
        JsonElement logs = choice.GetProperty("logprobs");
        Assert.Equal(body.GetProperty("usage").GetProperty("completion_tokens").GetInt32(), logs.GetProperty("tokens").GetArrayLength());
        Assert.Equal(0, logs.GetProperty("text_offset")[0].GetInt32());
        Assert.All(logs.GetProperty("token_logprobs").EnumerateArray(), one => Assert.True(one.GetDouble() < 0));
        List<string> lines = await server.LinesAsync(Text, $$"""{{{common}},"prompt":["ab b","b"],"stream":true}""");
        Assert.Equal("data: [DONE]", lines[^1]);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(expected[i], string.Concat(lines[..^1].Select(line => JsonElement.Parse(line[6..]).GetProperty("choices")[0])
                .Where(one => one.GetProperty("index").GetInt32() == i).Select(one => one.GetProperty("text").GetString())));
        }
    }

    [Fact]
    public async Task WhatIsWrongIsSaidByName()
    {
        await using TestServer server = await TestServer.StartAsync(length: 64, configure: options => options.MaximumBodyBytes = 2000);
        const string start = "{\"model\":\"tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]";
        (string Path, string Body, int Status, string? Param, string Code)[] cases =
        [
            (Chat, "{", 400, null, "invalid_json"), (Chat, "[]", 400, null, "invalid_value"), (Chat, "{}", 400, "model", "missing_required_parameter"),
            (Chat, start + ",\"model\":\"tiny\"}", 400, null, "invalid_json"),
            (Chat, "{\"model\":\"gpt\",\"messages\":[]}", 404, "model", "model_not_found"), (Chat, "{\"model\":\"vectors\",\"messages\":[]}", 400, "model", "unsupported_model"),
            (Chat, "{\"model\":\"tiny\",\"messages\":[]}", 400, "messages", "invalid_value"),
            (Chat, "{\"model\":\"tiny\",\"messages\":[{\"role\":\"king\",\"content\":\"a\"}]}", 400, "messages[0].role", "invalid_value"),
            (Chat, "{\"model\":\"tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"nothing\"}]}", 400, "messages", "invalid_messages"),
            (Chat, "{\"model\":\"tiny\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}", 400, "messages[0].content[0].type", "unsupported_content"),
            (Chat, start + ",\"temperature\":3}", 400, "temperature", "invalid_value"), (Chat, start + ",\"n\":0}", 400, "n", "invalid_value"),
            (Chat, start + ",\"colour\":1}", 400, "colour", "unknown_parameter"), (Chat, start + ",\"tools\":[{}]}", 400, "tools[0].type", "missing_required_parameter"),
            (Chat, start + ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}", 400, "tools", "invalid_value"),
            (Chat, start + ",\"tool_choice\":\"required\"}", 400, "tool_choice", "invalid_value"),
            (Chat, start + ",\"response_format\":{\"type\":\"yaml\"}}", 400, "response_format.type", "invalid_value"),
            (Chat, start + ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":{\"type\":\"fish\"}}}}", 400, "response_format", "invalid_value"),
            (Chat, start + ",\"reasoning_effort\":\"high\"}", 400, "reasoning_effort", "unsupported_parameter"),
            (Chat, start + ",\"top_logprobs\":3}", 400, "top_logprobs", "invalid_value"), (Chat, start + ",\"logit_bias\":{\"9999\":1}}", 400, "logit_bias", "invalid_value"),
            (Chat, start + ",\"stream_options\":{\"include_usage\":true}}", 400, "stream_options", "invalid_value"),
            (Chat, start.Replace("\"a\"", $"\"{new string('a', 200)}\"", StringComparison.Ordinal) + "}", 400, "messages", "context_length_exceeded"),
            (Chat, start.Replace("\"a\"", $"\"{new string('a', 3000)}\"", StringComparison.Ordinal) + "}", 413, null, "request_too_large"),
            (Text, "{\"model\":\"tiny\",\"prompt\":[300]}", 400, "prompt", "invalid_value"), (Text, "{\"model\":\"tiny\",\"prompt\":\"a\",\"suffix\":\"b\"}", 400, "suffix", "unsupported_parameter"),
            (Text, "{\"model\":\"tiny\",\"prompt\":\"a\",\"best_of\":2}", 400, "best_of", "unsupported_parameter"),
            ("/v1/embeddings", "{\"model\":\"vectors\",\"input\":[]}", 400, "input", "invalid_value"), ("/v1/embeddings", "{\"model\":\"tiny\",\"input\":\"a\"}", 400, "model", "unsupported_model"),
            ("/v1/embeddings", "{\"model\":\"vectors\",\"input\":\"a\",\"dimensions\":9999}", 400, "dimensions", "invalid_value"),
        ];
        foreach ((string path, string body, int status, string? param, string code) in cases)
        {
            (int given, JsonElement reply, _) = await server.PostAsync(path, body);
            JsonElement error = reply.GetProperty("error");
            Assert.Equal((body, status, param, code), (body, given, error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
            Assert.NotEmpty(error.GetProperty("message").GetString()!);
            Assert.NotEmpty(error.GetProperty("type").GetString()!);
        }
        Assert.Equal(0, server.State.Engines[0].Writer!.Counts.Ended);
    }

    [Fact]
    public async Task KeysAreAskedFor()
    {
        await using TestServer server = await TestServer.StartAsync(configure: options => options.ApiKeys.Add("secret"));
        const string body = "{\"model\":\"tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":2}";
        (int status, JsonElement reply, HttpResponseMessage response) = await server.PostAsync(Chat, body);
        Assert.Equal((401, "missing_api_key", "Bearer"), (status, reply.GetProperty("error").GetProperty("code").GetString(), response.Headers.WwwAuthenticate.ToString()));
        Assert.Equal(401, (await Assert.ThrowsAsync<ClientResultException>(() => Client(server, "wrong").GetChatClient("tiny").CompleteChatAsync("a"))).Status);
        Assert.NotNull((await Client(server, "secret").GetChatClient("tiny").CompleteChatAsync([new UserChatMessage("a")], new ChatCompletionOptions { MaxOutputTokenCount = 2 }, Token)).Value);
        server.Http.DefaultRequestHeaders.Add("X-Api-Key", "secret");
        Assert.Equal(200, (await server.PostAsync(Chat, body)).Status);
        server.Http.DefaultRequestHeaders.Clear();
        Assert.Equal(401, (int)(await server.Http.GetAsync("/metrics", Token)).StatusCode);
        Assert.True((await server.Http.GetAsync("/health", Token)).IsSuccessStatusCode);
        Assert.True((await server.Http.GetAsync("/alive", Token)).IsSuccessStatusCode);
    }

    [Fact]
    public async Task AClientThatLeavesAndAFullQueueAndTheEnd()
    {
        await using TestServer server = await TestServer.StartAsync(length: 30_000, configure: options => options.Batching = new BatcherOptions { MostSequences = 1, MostWaiting = 1 });
        const string body = "{\"model\":\"tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"stream\":true,\"ignore_eos\":true}";
        using HttpRequestMessage request = new(HttpMethod.Post, Chat) { Content = new StringContent(body) };
        HttpResponseMessage open = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        using CancellationTokenSource source = new();
        Task<HttpResponseMessage> waits = server.Http.PostAsync(Chat, new StringContent(body), source.Token);
        for (int i = 0; server.State.Engines[0].Writer!.Counts.Waiting == 0; i++)
        {
            Assert.True(i < 1000, "nothing waits");
            await Task.Delay(5, Token);
        }
        (int status, JsonElement full, HttpResponseMessage response) = await server.PostAsync(Chat, body);
        Assert.Equal((503, "queue_full", "1"), (status, full.GetProperty("error").GetProperty("code").GetString(), response.Headers.RetryAfter!.ToString()));
        // Both leave: the states are given back.
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waits);
        open.Dispose();
        await server.QuietAsync();
        Assert.Equal(0, server.State.Engines[0].Writer!.Counts.StateBytes);
        // What runs when the server is told to end is ended in order.
        Task<(int Status, JsonElement Body, HttpResponseMessage Response)> last = server.PostAsync(Chat, body.Replace("\"stream\":true,", "\"max_tokens\":200,", StringComparison.Ordinal));
        for (int i = 0; server.State.Engines[0].Writer!.Counts.Running == 0 && !last.IsCompleted; i++)
            await Task.Delay(1, Token);
        await server.App.StopAsync(Token);
        Assert.Equal((200, 200), ((await last).Status, (await last).Body.GetProperty("usage").GetProperty("completion_tokens").GetInt32()));
        Assert.True(server.State.IsDraining);
    }

    [Fact]
    public async Task PagesBesideTheApi()
    {
        await using TestServer server = await TestServer.StartAsync();
        (_, JsonElement tokens, _) = await server.PostAsync("/tokenize", """{"content":"ab b","with_pieces":true,"add_special":true}""");
        int[] ids = server.Model.Tokenizer.Encode("ab b");
        Assert.Equal(ids, tokens.GetProperty("tokens").EnumerateArray().Select(one => one.GetProperty("id").GetInt32()));
        (_, JsonElement text, _) = await server.PostAsync("/detokenize", $$"""{"tokens":{{JsonSerializer.Serialize(server.Model.Tokenizer.Encode("ab b", false))}}}""");
        Assert.Equal(server.Model.Tokenizer.Decode(server.Model.Tokenizer.Encode("ab b", false), skipSpecialTokens: false), text.GetProperty("content").GetString());
        (_, JsonElement prompt, _) = await server.PostAsync("/apply-template", """{"messages":[{"role":"developer","content":"x"},{"role":"user","content":"ab"}]}""");
        Assert.Equal("system: x\nuser: ab\nassistant: ", prompt.GetProperty("prompt").GetString());
        Assert.Equal("tiny", JsonElement.Parse(await server.Http.GetStringAsync("/v1/models/tiny", Token)).GetProperty("id").GetString());
        await server.PostAsync(Chat, """{"model":"tiny","messages":[{"role":"user","content":"ab"}],"max_tokens":4}""");
        await server.QuietAsync();
        string metrics = await server.Http.GetStringAsync("/metrics", Token);
        Assert.Contains("lemma_requests_total{path=\"/v1/chat/completions\",status=\"200\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("lemma_tokens_made_total{model=\"tiny\"} 4\n", metrics, StringComparison.Ordinal);
        Assert.Contains("lemma_time_to_first_token_seconds_count 1\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ManyAtOnceGetWhatTheyWouldGetAlone()
    {
        await using TestServer server = await TestServer.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 40).Select(async i =>
        {
            (int status, JsonElement body, _) = await server.PostAsync(Text, $$"""{"model":"tiny","prompt":"ab b","seed":{{i}},"max_tokens":{{5 + i}}}""");
            Assert.Equal(200, status);
            Assert.Equal(server.Model.Tokenizer.Encode("ab b").Length, body.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
            Assert.Equal(Alone(i), body.GetProperty("choices")[0].GetProperty("text").GetString());
        }));

        string Alone(int i)
        {
            lock (server)
                return server.Alone(server.Model.Prompt("ab b"), new GenerationOptions { Steps = [], Seed = (ulong)i, MaximumTokens = 5 + i });
        }
    }
}
