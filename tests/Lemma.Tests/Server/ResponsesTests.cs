using System.ClientModel;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language.Serving;
using Lemma.Language.Tools;
using Lemma.Server.Responses;
using Lemma.Tests.Language.Tools;
using OpenAI;
using OpenAI.Responses;
using Item = OpenAI.Responses.ResponseItem;

#pragma warning disable OPENAI001, SCME0001

namespace Lemma.Tests.Server;

/// <summary>The Responses API by OpenAI's own client for .NET and by plain requests; every reply and event is held to OpenAI's document by <see cref="ReplyChecks"/>.</summary>
public class ResponsesTests
{
    private const string Path = "/v1/responses";

    // What the Open Responses specification (openresponses.org, ResponseResource of 2026) asks of every response.
    private static readonly string[] Needed =
    [
        "id", "object", "created_at", "completed_at", "status", "incomplete_details", "model", "previous_response_id", "instructions", "output", "error", "tools",
        "tool_choice", "truncation", "parallel_tool_calls", "text", "top_p", "presence_penalty", "frequency_penalty", "top_logprobs", "temperature", "reasoning", "user",
        "usage", "max_output_tokens", "max_tool_calls", "store", "background", "service_tier", "metadata", "safety_identifier", "prompt_cache_key",
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ResponsesClient Client(TestServer server, string key = "none") =>
        new(new ApiKeyCredential(key), new ResponsesClientOptions { Endpoint = new Uri(server.Address, "v1") });

    [Fact]
    public async Task TheClientOfOpenAIGetsResponsesAndGoesOnFromThem()
    {
        await using TestServer server = await TestServer.StartAsync(1000);
        ResponsesClient client = Client(server);
        GenerationOptions same = GenerationOptions.Sample(0.5, topP: 0.9, logitBias: [new(260, 100), new(261, 100)]) with { Seed = 7, MaximumTokens = 20 };
        int[] prompt = server.ChatPrompt("system: be brief\nuser: ab\nassistant: ");
        string expected = server.Alone(prompt, same);
        CreateResponseOptions Options(string text) => Patched(new CreateResponseOptions("tiny", [Item.CreateUserMessageItem(text)])
        {
            Instructions = "be brief",
            Temperature = 0.5f,
            TopP = 0.9f,
            MaxOutputTokenCount = 20,
            TopLogProbabilityCount = 2,
            IncludedProperties = { new IncludedResponseProperty("message.output_text.logprobs") },
            Metadata = { ["who"] = "me" },
        });
        ResponseResult whole = await client.CreateResponseAsync(Options("ab"), Token);
        Assert.Equal((expected, ResponseStatus.Incomplete, "tiny"), (whole.GetOutputText(), whole.Status, whole.Model));
        Assert.Equal((prompt.Length, 20, prompt.Length + 20), (whole.Usage.InputTokenCount, whole.Usage.OutputTokenCount, whole.Usage.TotalTokenCount));
        Assert.Equal("me", whole.Metadata["who"]);

        string streamed = "";
        List<string> kinds = [];
        ResponseResult? last = null;
        CreateResponseOptions streaming = Options("ab");
        streaming.StreamingEnabled = true;
        await foreach (StreamingResponseUpdate update in await client.CreateResponseStreamingAsync(streaming, Token))
        {
            kinds.Add(update.GetType().Name);
            if (update is StreamingResponseOutputTextDeltaUpdate delta)
            {
                streamed += delta.Delta;
                Assert.All(delta.TokenLogProbabilities, one => Assert.Equal(2, one.TopLogProbabilities.Count));
            }
            last = (update as StreamingResponseIncompleteUpdate)?.Response ?? last;
        }
        Assert.Equal((expected, expected), (streamed, last!.GetOutputText()));
        Assert.Equal(["StreamingResponseCreatedUpdate", "StreamingResponseInProgressUpdate", "StreamingResponseOutputItemAddedUpdate", "StreamingResponseContentPartAddedUpdate"], kinds[..4]);
        Assert.Equal(["StreamingResponseOutputTextDoneUpdate", "StreamingResponseContentPartDoneUpdate", "StreamingResponseOutputItemDoneUpdate", "StreamingResponseIncompleteUpdate"], kinds[^4..]);

        // What was kept is what was told; a response that goes on from it has its turns, and its own instructions alone.
        Assert.Equal(expected, ((ResponseResult)await client.GetResponseAsync(whole.Id, Token)).GetOutputText());
        List<Item> sent = [];
        await foreach (Item item in client.GetResponseInputItemsAsync(whole.Id, Token))
            sent.Add(item);
        Assert.Equal("ab", Assert.IsAssignableFrom<MessageResponseItem>(Assert.Single(sent)).Content[0].Text);
        Assert.Equal(400, (int)(await server.Http.GetAsync($"{Path}/{whole.Id}?stream=true", Token)).StatusCode);
        CreateResponseOptions on = Options("b");
        (on.PreviousResponseId, on.Instructions) = (whole.Id, null);
        ResponseResult next = await client.CreateResponseAsync(on, Token);
        Assert.Equal(server.Alone(server.ChatPrompt($"user: ab\nassistant: {expected}\nuser: b\nassistant: "), same), next.GetOutputText());
        Assert.Equal(whole.Id, next.PreviousResponseId);
        Assert.True(((ResponseDeletionResult)await client.DeleteResponseAsync(whole.Id, Token)).Deleted);
        Assert.Equal(404, (await Assert.ThrowsAsync<ClientResultException>(() => client.GetResponseAsync(whole.Id, Token))).Status);
        Assert.True(server.Replies.Count >= 6);

        CreateResponseOptions Patched(CreateResponseOptions options)
        {
            options.Patch.Set("$.seed"u8, 7);
            options.Patch.Set("$.logit_bias"u8, BinaryData.FromString("{\"260\":100,\"261\":100}"));
            return options;
        }
    }

    [Fact]
    public async Task CallsGoThereAndBackAndAnswersAreOfASchema()
    {
        await using TestServer server = await TestServer.StartAsync(1200, MadeTemplates.Tagged);
        string Body(string rest) => "{\"model\":\"tiny\",\"seed\":3,\"tools\":[{\"type\":\"function\",\"name\":\"lamp\",\"description\":\"A lamp.\",\"strict\":true,\"parameters\":" + CallingModel.Schema + "}]," + rest + "}";
        const string one = "\"tool_choice\":\"required\",\"parallel_tool_calls\":false,\"input\":\"ab\"";
        (int status, JsonElement whole, _) = await server.PostAsync(Path, Body(one));
        Assert.Equal((200, "completed"), (status, whole.GetProperty("status").GetString()));
        JsonElement call = Assert.Single(whole.GetProperty("output").EnumerateArray());
        Assert.Equal(("function_call", "lamp"), (call.GetProperty("type").GetString(), call.GetProperty("name").GetString()));
        CallingModel.AssertArguments(call.GetProperty("arguments").GetString()!);

        JsonElement[] events = await EventsAsync(server, Body(one.Replace("\"required\"", "{\"type\":\"function\",\"name\":\"lamp\"}", StringComparison.Ordinal) + ",\"stream\":true"));
        string[] types = [.. events.Select(one => one.GetProperty("type").GetString()!)];
        Assert.Equal(["response.created", "response.in_progress", "response.output_item.added"], types[..3]);
        Assert.Equal(["response.function_call_arguments.done", "response.output_item.done", "response.completed"], types[^3..]);
        Assert.All(types[3..^3], type => Assert.Equal("response.function_call_arguments.delta", type));
        Assert.Equal(call.GetProperty("arguments").GetString(), string.Concat(events[3..^3].Select(one => one.GetProperty("delta").GetString())));
        Assert.Equal(call.GetProperty("arguments").GetString(), events[^3].GetProperty("arguments").GetString());

        // The result by the id of the response, and by items of the client's own.
        string id = call.GetProperty("call_id").GetString()!, result = $$"""{"type":"function_call_output","call_id":"{{id}}","output":[{"type":"input_text","text":"done"}]}""";
        (status, JsonElement kept, _) = await server.PostAsync(Path, Body($"\"max_output_tokens\":20,\"previous_response_id\":\"{whole.GetProperty("id").GetString()}\",\"input\":[{result}]"));
        Assert.Equal(200, status);
        (_, JsonElement own, _) = await server.PostAsync(Path, Body($$"""
            "max_output_tokens":20,"input":[{"role":"user","content":"ab"},{{call.GetRawText()}},{{result}}]
            """));
        Assert.Equal(Text(own), Text(kept));
        Assert.Equal(own.GetProperty("usage").GetProperty("input_tokens").GetInt32(), kept.GetProperty("usage").GetProperty("input_tokens").GetInt32());
        (status, JsonElement counted, _) = await server.PostAsync(Path + "/input_tokens", Body($$"""
            "input":[{"role":"user","content":"ab"},{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]},{{call.GetRawText()}},{{result}}]
            """));
        Assert.True(status == 200 && counted.GetProperty("input_tokens").GetInt32() > own.GetProperty("usage").GetProperty("input_tokens").GetInt32());

        (_, JsonElement held, _) = await server.PostAsync(Path, "{\"model\":\"tiny\",\"input\":\"ab\",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"lamp\",\"schema\":" + CallingModel.Schema + "}}}");
        CallingModel.AssertArguments(Text(held));
        Assert.Equal("lamp", held.GetProperty("text").GetProperty("format").GetProperty("name").GetString());
        (status, _, _) = await server.PostAsync(Path, Body("\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":\"required\",\"tools\":[]},\"input\":\"ab\""));
        Assert.Equal(400, status);
    }

    [Fact]
    public async Task ItemsAreToldFromTheirBeginningToTheirEnd()
    {
        await using TestServer server = await TestServer.StartAsync();
        List<JsonElement> events = [];
        ResponseOutput output = new(server.Model, (type, write) =>
        {
            using MemoryStream bytes = new();
            using (Utf8JsonWriter json = new(bytes))
            {
                json.WriteStartObject();
                json.WriteString("type", type);
                json.WriteNumber("sequence_number", events.Count);
                write(json);
                json.WriteEndObject();
            }
            events.Add(JsonElement.Parse(bytes.ToArray()));
            return Task.CompletedTask;
        });
        AnswerDelta[] deltas = [new(AnswerKind.Reasoning, "h"), new(AnswerKind.Reasoning, "m"), new(AnswerKind.Content, "so"), new(AnswerKind.CallName, "f"), new(AnswerKind.CallId, "123456789"),
            new(AnswerKind.Arguments, "{"), new(AnswerKind.Arguments, "}"), new(AnswerKind.CallName, "g", 1), new(AnswerKind.Content, "on")];
        foreach (AnswerDelta delta in deltas)
            await output.AddAsync(new AnswerUpdate(new TextUpdate(0, delta.Text), [delta]));
        await output.AddAsync(new AnswerUpdate(new TextUpdate(0, "") { End = TextEnd.Length }, []));
        Assert.Equal([("reasoning", "hm", "completed"), ("message", "so", "completed"), ("function_call", "{}", "completed"), ("function_call", "", "completed"), ("message", "on", "incomplete")],
            events.Where(one => one.GetProperty("type").GetString() == "response.output_item.done").Select(one => one.GetProperty("item")).Select(item => (item.GetProperty("type").GetString(),
                item.TryGetProperty("content", out JsonElement content) ? content[0].GetProperty("text").GetString() : item.GetProperty("arguments").GetString(), item.GetProperty("status").GetString())));
        Assert.Equal(["response.output_item.added", "response.content_part.added", "response.reasoning_text.delta", "response.reasoning_text.delta", "response.reasoning_text.done",
            "response.content_part.done", "response.output_item.done", "response.output_item.added"], events.Take(8).Select(one => one.GetProperty("type").GetString()));
        Assert.All(events, one => Assert.Null(OpenAIDocument.WrongEvent(one)));
        Assert.Equal(5, output.Items.Count);
    }

    /// <summary>The requests of the Open Responses compliance suite, but for the one with an image, which is refused.</summary>
    [Fact]
    public async Task TheSpecificationsOwnRequestsAreAnswered()
    {
        await using TestServer server = await TestServer.StartAsync(3000, MadeTemplates.Tagged);
        // A model of random weights ends soon where its end is made likely.
        string bias = $",\"logit_bias\":{{\"{server.Model.Decoder.EndIds[0]}\":3}}}}";
        static string Message(string role, string text) => $$"""{"type":"message","role":"{{role}}","content":"{{text}}"}""";
        const string weather = ",\"tools\":" + """[{"type":"function","name":"get_weather","description":"Get the current weather for a location","parameters":{"type":"object","properties":{"location":{"type":"string","maxLength":9}},"required":["location"],"additionalProperties":false}}]""";
        string[] inputs = [Message("user", "Say hello in exactly 3 words."), Message("system", "You are a pirate.") + "," + Message("user", "Say hello."),
            Message("user", "My name is Alice.") + "," + Message("assistant", "Hello Alice!") + "," + Message("user", "What is my name?")];
        foreach (string input in inputs)
        {
            (int status, JsonElement body, _) = await server.PostAsync(Path, $"{{\"model\":\"tiny\",\"input\":[{input}],\"stream\":false{bias}");
            Assert.Equal((200, "completed"), (status, body.GetProperty("status").GetString()));
            Assert.NotEqual(0, body.GetProperty("output").GetArrayLength());
            Assert.All(Needed, name => Assert.True(body.TryGetProperty(name, out _), name));
        }
        JsonElement[] events = await EventsAsync(server, $"{{\"model\":\"tiny\",\"input\":[{Message("user", "Count from 1 to 5.")}],\"stream\":true{bias}");
        Assert.Equal("completed", events[^1].GetProperty("response").GetProperty("status").GetString());
        Assert.All(Needed, name => Assert.True(events[^1].GetProperty("response").TryGetProperty(name, out _), name));
        // A model of random weights calls where it must.
        string called = $"{{\"model\":\"tiny\",\"input\":[{Message("user", "What is the weather like in San Francisco?")}],\"seed\":3,\"parallel_tool_calls\":false,\"tool_choice\":\"required\"{weather}";
        (_, JsonElement call, _) = await server.PostAsync(Path, called + "}");
        Assert.Contains(call.GetProperty("output").EnumerateArray(), item => item.GetProperty("type").GetString() == "function_call");
        events = await EventsAsync(server, called + ",\"stream\":true}");
        foreach (string type in (string[])["response.output_item.added", "response.function_call_arguments.delta", "response.function_call_arguments.done", "response.output_item.done"])
            Assert.Contains(events, one => one.GetProperty("type").GetString() == type);
        (int refused, JsonElement image, _) = await server.PostAsync(Path, """{"model":"tiny","input":[{"type":"message","role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,AA=="}]}]}""");
        Assert.Equal((400, "unsupported_content"), (refused, image.GetProperty("error").GetProperty("code").GetString()));
    }

    [Fact]
    public async Task WhatIsWrongIsSaidByName()
    {
        await using TestServer server = await TestServer.StartAsync(length: 64);
        const string start = "{\"model\":\"tiny\",\"input\":\"a\"";
        (string Body, int Status, string? Param, string Code)[] cases =
        [
            ("{\"model\":\"tiny\"}", 400, "input", "missing_required_parameter"), ("{\"model\":\"gpt\",\"input\":\"a\"}", 404, "model", "model_not_found"),
            ("{\"model\":\"tiny\",\"input\":[]}", 400, "input", "invalid_value"), ("{\"model\":\"tiny\",\"input\":[{\"type\":\"item_reference\",\"id\":\"x\"}]}", 400, "input[0].type", "unsupported_content"),
            ("{\"model\":\"tiny\",\"input\":[{\"role\":\"king\",\"content\":\"a\"}]}", 400, "input[0].role", "invalid_value"),
            ("{\"model\":\"tiny\",\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"x\",\"output\":\"a\"}]}", 400, "input", "invalid_value"),
            (start + ",\"previous_response_id\":\"resp_1\"}", 400, "previous_response_id", "previous_response_not_found"), (start + ",\"background\":true}", 400, "background", "unsupported_parameter"),
            (start + ",\"conversation\":\"conv_1\"}", 400, "conversation", "unsupported_parameter"), (start + ",\"reasoning\":{\"effort\":\"high\"}}", 400, "reasoning.effort", "unsupported_parameter"),
            ("{\"model\":\"tiny\",\"input\":[{\"role\":\"assistant\",\"content\":\"a\",\"phase\":\"last\"}]}", 400, "input[0].phase", "invalid_value"),
            ("{\"model\":\"tiny\",\"input\":[{\"role\":\"assistant\",\"content\":\"a\",\"phase\":1}]}", 400, "input[0].phase", "invalid_value"),
            (start + ",\"include\":[\"file_search_call.results\"]}", 400, "include", "unsupported_parameter"), (start + ",\"truncation\":\"some\"}", 400, "truncation", "invalid_value"),
            (start + ",\"tools\":[{\"type\":\"web_search\"}]}", 400, "tools[0].type", "unsupported_parameter"), (start + ",\"metadata\":{\"a\":1}}", 400, "metadata", "invalid_value"),
            (start + ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"x\",\"schema\":{\"type\":\"fish\"}}}}", 400, "text.format", "invalid_value"),
            (start + ",\"colour\":1}", 400, "colour", "unknown_parameter"), (start.Replace("\"a\"", $"\"{new string('a', 200)}\"", StringComparison.Ordinal) + "}", 400, "input", "context_length_exceeded"),
        ];
        foreach ((string body, int status, string? param, string code) in cases)
        {
            (int given, JsonElement reply, _) = await server.PostAsync(Path, body);
            JsonElement error = reply.GetProperty("error");
            Assert.Equal((body, status, param, code), (body, given, error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
        }
        // What is too long is cut where that is asked for: the last question stays.
        string turns = string.Join(',', Enumerable.Range(0, 6).Select(i => $$"""{"role":"{{(i % 2 == 0 ? "user" : "assistant")}}","content":"{{new string('a', 20)}}"}"""));
        (int cut, JsonElement kept, _) = await server.PostAsync(Path, "{\"model\":\"tiny\",\"max_output_tokens\":3,\"truncation\":\"auto\",\"input\":[" + turns + ",{\"role\":\"user\",\"content\":\"b\"}]}");
        Assert.Equal(200, cut);
        Assert.Equal(server.ChatPrompt("user: b\nassistant: ").Length, kept.GetProperty("usage").GetProperty("input_tokens").GetInt32());
    }

    [Fact]
    public async Task PhasesStayWithTheirMessages()
    {
        await using TestServer server = await TestServer.StartAsync();
        (int status, JsonElement body, _) = await server.PostAsync(Path, """
            {"model":"tiny","max_output_tokens":2,"input":[{"role":"assistant","content":"a","phase":"commentary"},{"role":"assistant","content":"b","phase":"final_answer"},
            {"role":"assistant","content":"a","phase":null},{"role":"user","content":"b","phase":"commentary"}]}
            """);
        Assert.Equal(200, status);
        JsonElement items = JsonElement.Parse(await server.Http.GetStringAsync($"{Path}/{body.GetProperty("id").GetString()}/input_items?order=asc", Token)).GetProperty("data");
        Assert.Equal(["commentary", "final_answer", null, null], items.EnumerateArray().Select(item => item.TryGetProperty("phase", out JsonElement phase) ? phase.GetString() : null));
    }

    [Fact]
    public async Task WhatIsKeptIsBoundedAndBelongsToItsKey()
    {
        await using TestServer server = await TestServer.StartAsync(configure: options =>
        {
            options.StoredResponseBytes = 5000;
            options.ApiKeys.Add("one");
            options.ApiKeys.Add("two");
        });
        async Task<string> Create(string key, string rest = "")
        {
            server.Http.DefaultRequestHeaders.Remove("X-Api-Key");
            server.Http.DefaultRequestHeaders.Add("X-Api-Key", key);
            (int status, JsonElement body, _) = await server.PostAsync(Path, "{\"model\":\"tiny\",\"input\":\"ab\",\"max_output_tokens\":2" + rest + "}");
            Assert.Equal(200, status);
            return body.GetProperty("id").GetString()!;
        }
        string first = await Create("one"), unkept = await Create("one", ",\"store\":false");
        Assert.Equal(200, (int)(await server.Http.GetAsync($"{Path}/{first}", Token)).StatusCode);
        Assert.Equal(404, (int)(await server.Http.GetAsync($"{Path}/{unkept}", Token)).StatusCode);
        string other = await Create("two");
        Assert.Equal(404, (int)(await server.Http.GetAsync($"{Path}/{first}", Token)).StatusCode);
        Assert.Equal(404, (int)(await server.Http.DeleteAsync($"{Path}/{first}", Token)).StatusCode);
        for (int i = 0; i < 6; i++)
            await Create("two");
        Assert.Equal(404, (int)(await server.Http.GetAsync($"{Path}/{other}", Token)).StatusCode);
    }

    private static string Text(JsonElement response) => string.Concat(response.GetProperty("output").EnumerateArray().Where(item => item.GetProperty("type").GetString() == "message")
        .SelectMany(item => item.GetProperty("content").EnumerateArray()).Select(part => part.GetProperty("text").GetString()));

    private static async Task<JsonElement[]> EventsAsync(TestServer server, string body)
    {
        List<string> lines = await server.LinesAsync(Path, body);
        Assert.Equal("data: [DONE]", lines[^1]);
        JsonElement[] events = [.. lines[..^1].Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => JsonElement.Parse(line[6..]))];
        Assert.Equal(events.Select(one => "event: " + one.GetProperty("type").GetString()), lines.Where(line => line.StartsWith("event: ", StringComparison.Ordinal)));
        return events;
    }
}
