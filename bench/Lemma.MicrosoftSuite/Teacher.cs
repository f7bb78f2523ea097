using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lemma.Language.Tools;
using OpenAI.Chat;

namespace Microsoft.Extensions.AI;

/// <summary>Answers the suite's questions by rules, and keeps each conversation for training: what a small model is to learn.</summary>
internal sealed partial class Teacher(ConversationLog log) : IChatClient
{
    private static int numbers = 1000;

    // What the last user's message has, and what is said, or called first. {r} is what tools gave.
    private static readonly (string Asked, string? Tool, string[] Arguments, string Said)[] Rules =
    [
        ("secret number for id foo", "GetSecretNumberById", ["""{"id": "foo"}"""], "The secret number is {r}."),
        ("secret number for John", "GetSecretNumberByPerson", ["""{"person": {"name": "John", "age": 19}}"""], "The secret number is {r}."),
        ("SecretComputation", "SecretComputation", ["""{"a": 42, "b": 84}"""], "The result is {r}."),
        ("What's the current secret number", "ShieldsUp", ["{}"], "The shields are up: {r}."),
        ("current secret number", "GetSecretNumber", ["{}"], "The secret number is {r}."),
        ("birds real", "GetSecretNumber", ["{}"], "Birds are real. The secret number is {r}."),
        ("temperature", "GetTemperature", ["{}"], "The temperature is {r} degrees."),
        ("shopping cart", "AddItemsToShoppingCart", ["""{"items": ["bacon", "lettuce", "tomatoes"], "shopperId": "Peter"}"""], "The items are in the cart."),
        ("older is Elsa", "GetPersonAge", ["""{"personName": "Elsa"}""", """{"personName": "Anna"}"""], "3"),
        ("person with ID 123", "GetPersonById", ["""{"personId": 123}"""], Person),
        ("biggest animal", null, [], "The biggest animal is the blue whale."),
        ("continent are they", null, [], "Seattle is in North America, and Jakarta is in Asia."),
        ("1 + 2?", null, [], "3"),
        ("Armstrong", null, [], "That's one small step for man, one giant leap for mankind."),
        ("in 10 words", null, [], "It learns patterns from much data and predicts what follows."),
        ("in 100 words", null, [], "A model reads much text and learns which words follow which. Asked something, it predicts an answer word by word."),
        ("random number", null, [], "{n}"),
        ("tower in Paris", null, [], "The Eiffel Tower."),
        ("Who is described", null, [], Person),
        ("Who are described", null, [], $$"""{"data": [{{Person}}, {"fullName": "Josh Simpson", "ageInYears": 25, "homeTown": "Newport", "job": "Programmer"}]}"""),
        ("14 abstractions", null, [], """{"data": 15}"""),
        ("his full name", null, [], """{"data": "Jimbo Smith"}"""),
        ("at least one software developer", null, [], """{"data": true}"""),
        ("medical doctor", null, [], """{"data": false}"""),
        ("Taylor Swift", null, [], """{"data": "PopStar"}"""),
        ("represent Jimbo", null, [], Person),
        ("name and what activity", null, [], "Your name is Alice, and you enjoy hiking."),
        ("2 + 2", null, [], "Arr, matey, that be 4!"),
        ("better weather", null, [], "Miami had the better weather: it was sunny and warm."),
        ("anyone named", null, [], "Bob is a software engineer."),
        ("How many pets", null, [], "You have 5 pets: 3 cats and 2 dogs."),
    ];

    // What a summary has, by a word of what is summarized.
    private static readonly (string Word, string Summary)[] Summaries =
    [
        ("Alice", "Alice loves hiking in the mountains and hiked a section of the Pacific Crest Trail."),
        ("Ahoy", "The user asked a pirate about the weather of today and tomorrow."),
        ("Seattle", "The user asked for the weather in Seattle, and about Miami."),
        ("Bob", "Bob is a software engineer at a startup that builds tools for education."),
        ("cats", "There are 3 cats and 2 dogs, 5 pets, and food costs 200 dollars a month."),
    ];

    private const string Person = """{"fullName": "Jimbo Smith", "ageInYears": 35, "homeTown": "Cardiff", "job": "Programmer"}""";

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ChatMessage[] all = [.. messages];
        ChatMessage answer = Answer(all, options);
        log.Add(all, options, answer);
        return Task.FromResult(new ChatResponse(answer)
        {
            ModelId = "teacher",
            FinishReason = answer.Contents.OfType<FunctionCallContent>().Any() ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop,
            Usage = new UsageDetails { InputTokenCount = 10, OutputTokenCount = 10, TotalTokenCount = 20 },
        });
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (ChatResponseUpdate update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
            yield return update;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("teacher") : null;

    public void Dispose() { }

    private static ChatMessage Answer(ChatMessage[] messages, ChatOptions? options)
    {
        // A reducer asks for a summary behind what is summarized.
        string last = messages[^1].Text;
        if (messages[^1].Role == ChatRole.System || last.Contains("ummar", StringComparison.Ordinal))
            return Said(Summaries.First(one => messages.Any(message => message.Text.Contains(one.Word, StringComparison.Ordinal))).Summary);
        // A question may have further instructions behind it.
        (string Asked, string? Tool, string[] Arguments, string Said) rule = messages.Where(message => message.Role == ChatRole.User).Reverse()
            .SelectMany(message => Rules.Where(rule => message.Text.Contains(rule.Asked, StringComparison.Ordinal)
                && (rule.Tool is null || options?.Tools?.Any(tool => tool.Name == rule.Tool) == true))).First();
        string[] results = [.. messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().Select(result => $"{result.Result}")];
        if (rule.Tool is not null && results.Length == 0)
        {
            return new ChatMessage(ChatRole.Assistant, [.. rule.Arguments.Select(arguments => (AIContent)new FunctionCallContent(ToolCall.NewId(), rule.Tool,
                JsonSerializer.Deserialize<Dictionary<string, object?>>(arguments)))]);
        }
        return Said(rule.Said.Replace("{r}", results.LastOrDefault(), StringComparison.Ordinal)
            .Replace("{n}", $"{Interlocked.Increment(ref numbers) * 7919 % 1000000}", StringComparison.Ordinal));
    }

    private static ChatMessage Said(string text) => new(ChatRole.Assistant, text);
}

/// <summary>Conversations in OpenAI's form, one a line, for lemma sft; those that copy a number come with many numbers.</summary>
internal sealed partial class ConversationLog(string path)
{
    private const int Copies = 100, Numbers = 1500, Long = 5000;
    private readonly Lock gate = new();
    private readonly HashSet<string> written = [];

    public void Add(ChatMessage[] messages, ChatOptions? options, ChatMessage answer)
    {
        // Tools and what they give as they are told in this process, and as OpenAI's client sends them.
        Add(Line([.. messages, answer], options, InProcess, JsonSerializerOptions.Default), messages, answer.Text);
        if (options?.Tools is { Count: > 0 })
            Add(Line([.. messages, answer], options, Sent, AIJsonUtilities.DefaultOptions), messages, answer.Text);
    }

    private static Tool InProcess(AIFunctionDeclaration tool) => new(tool.Name, tool.Description, tool.JsonSchema);

    private static Tool Sent(AIFunctionDeclaration tool)
    {
        ChatTool sent = tool.AsOpenAIChatTool();
        return new Tool(sent.FunctionName, sent.FunctionDescription, JsonElement.Parse(sent.FunctionParameters.ToMemory().Span));
    }

    private void Add(string line, ChatMessage[] messages, string said)
    {
        string? number = messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().Select(result => $"{result.Result}")
            .FirstOrDefault(result => Digits().IsMatch(result) && said.Contains(result, StringComparison.Ordinal));
        bool isDrawn = number is null && Digits().IsMatch(said) && messages[^1].Text.Contains("random", StringComparison.Ordinal);
        lock (gate)
        {
            StringBuilder lines = new();
            int count = number is not null || isDrawn ? Numbers : line.Length > Long ? Copies / 10 : Copies;
            for (int i = 0; i < count; i++)
            {
                // Of one to six digits, by a multiplication that visits all; a random one of six.
                int drawn = (int)((i + 1) * 7919L * 104729 % 1000000) / (isDrawn ? 1 : (int)Math.Pow(10, i % 6));
                lines.AppendLine(number is not null ? Replaced(line, number, $"{drawn}") : isDrawn ? Replaced(line, said, $"{drawn}") : line);
            }
            if (written.Add(number is not null ? Replaced(line, number, "#") : isDrawn ? Replaced(line, said, "#") : line))
                File.AppendAllText(path, lines.ToString());
        }
    }

    private static string Replaced(string line, string number, string other) => Regex.Replace(line, $@"(?<![\d.]){Regex.Escape(number)}(?!\d)", other);

    private static string Line(ChatMessage[] messages, ChatOptions? options, Func<AIFunctionDeclaration, Tool> form,
        JsonSerializerOptions given)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            json.WriteStartArray("messages");
            if (options?.Instructions is { } told)
                Message(json, "system", told);
            int calls = 0;
            Dictionary<string, string> ids = [];
            foreach (ChatMessage message in messages)
            {
                FunctionResultContent[] results = [.. message.Contents.OfType<FunctionResultContent>()];
                foreach (FunctionResultContent result in results)
                {
                    json.WriteStartObject();
                    json.WriteString("role", "tool");
                    json.WriteString("tool_call_id", ids[result.CallId]);
                    json.WriteString("content", result.Result switch { null => "", string text => text, var other => JsonSerializer.Serialize(other, given) });
                    json.WriteEndObject();
                }
                FunctionCallContent[] called = [.. message.Contents.OfType<FunctionCallContent>()];
                if (called.Length > 0)
                {
                    json.WriteStartObject();
                    json.WriteString("role", "assistant");
                    json.WriteString("content", message.Text);
                    json.WriteStartArray("tool_calls");
                    foreach (FunctionCallContent call in called)
                    {
                        json.WriteStartObject();
                        json.WriteString("id", ids[call.CallId] = $"call{calls++:00000}");
                        json.WriteString("type", "function");
                        json.WriteStartObject("function");
                        json.WriteString("name", call.Name);
                        json.WriteString("arguments", JsonSerializer.Serialize(call.Arguments));
                        json.WriteEndObject();
                        json.WriteEndObject();
                    }
                    json.WriteEndArray();
                    json.WriteEndObject();
                }
                // An answer without words is nothing to learn, and no file of conversations may have one.
                else if (results.Length == 0 && (message.Role != ChatRole.Assistant || message.Text.Length > 0))
                {
                    Message(json, message.Role.Value, message.Text);
                }
            }
            json.WriteEndArray();
            if (options?.Tools is { Count: > 0 } tools)
            {
                json.WritePropertyName("tools");
                Tool.ToJson([.. tools.Cast<AIFunctionDeclaration>().Select(form)]).WriteTo(json);
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void Message(Utf8JsonWriter json, string role, string content)
    {
        json.WriteStartObject();
        json.WriteString("role", role);
        json.WriteString("content", content);
        json.WriteEndObject();
    }

    [GeneratedRegex(@"^\d+$")]
    private static partial Regex Digits();
}
