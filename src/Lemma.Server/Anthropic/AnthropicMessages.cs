using System.Text;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language.Serving;
using Lemma.Server.Http;
using Lemma.Text.Templates;

namespace Lemma.Server.Anthropic;

/// <summary><c>/v1/messages</c> and <c>/v1/messages/count_tokens</c>: Anthropic's API.</summary>
internal static class AnthropicMessages
{
    private sealed record Asked(ServedEngine Engine, int[] Prompt, GenerationOptions Options, bool Streams);

    public static async Task Answer(Call call)
    {
        Asked asked;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
            asked = Read(new Fields(body.RootElement), call.State);
        TextRequest request = asked.Engine.Writer!.Submit(asked.Prompt, asked.Options, cancellation: call.Cancellation);
        string id = $"msg_{Guid.NewGuid():N}";
        await (asked.Streams ? Stream(call, asked, request, id) : Whole(call, asked, request, id)).ConfigureAwait(false);
    }

    public static async Task Count(Call call)
    {
        int tokens;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            ServedEngine engine = call.State.Writer(fields.NeededText("model"));
            tokens = ChatMessages.Prompt(engine, Messages(fields)).Length;
            RefuseMissing(fields);
            fields.RefuseOthers();
        }
        await call.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("input_tokens", tokens);
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    private static Asked Read(Fields fields, ServerState state)
    {
        ServedEngine engine = state.Writer(fields.NeededText("model"));
        int most = fields.Whole("max_tokens", 1) ?? throw fields.Missing("max_tokens");
        int[] prompt = ChatMessages.Prompt(engine, Messages(fields));
        double? temperature = fields.Number("temperature", 0, 1), topP = fields.Number("top_p", 0, 1);
        int? topK = fields.Whole("top_k", 1);
        GenerationOptions drawn = temperature is null && topP is null && topK is null ? new GenerationOptions { Steps = [] }
            : GenerationOptions.Sample(temperature ?? 1, topK, topP);
        bool streams = fields.Flag("stream") ?? false;
        IReadOnlyList<string> stops = Generation.Stops(fields, "stop_sequences");
        // Not Anthropic's, but one seed is one text here.
        ulong seed = fields.Long("seed") is { } own ? unchecked((ulong)own) : state.NextSeed();
        fields.Accept("metadata");
        fields.Refuse("service_tier", "there is one", "auto", "standard_only");
        RefuseMissing(fields);
        fields.RefuseOthers();
        int room = Generation.Room(prompt, engine, "messages");
        return new Asked(engine, prompt, drawn with { Seed = seed, StopTexts = stops, MaximumTokens = Math.Min(most, room) }, streams);
    }

    // The one place that says what is not there yet: tools and reasoning are wired here.
    private static void RefuseMissing(Fields fields)
    {
        fields.Refuse("tools", "the model cannot be told of tools yet");
        if (fields.Any("tool_choice") is { } choice && !(choice.ValueKind == JsonValueKind.Object && choice.TryGetProperty("type", out JsonElement kind)
            && kind.ValueKind == JsonValueKind.String && kind.GetString() is "none" or "auto"))
            throw new ApiException(400, "'tool_choice' is not supported: the model cannot be made to call a tool yet.", "tool_choice", "unsupported_parameter");
        if (fields.Any("thinking") is { } thinking && !(thinking.ValueKind == JsonValueKind.Object && thinking.TryGetProperty("type", out JsonElement type)
            && type.ValueKind == JsonValueKind.String && type.GetString() == "disabled"))
            throw new ApiException(400, "'thinking' is not supported but for {\"type\": \"disabled\"}.", "thinking", "unsupported_parameter");
    }

    private static List<ChatMessage> Messages(Fields fields)
    {
        JsonElement messages = fields.Any("messages") ?? throw fields.Missing("messages");
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
            throw Fields.Wrong("messages", "an array of at least one message", messages);
        List<ChatMessage> turns = [];
        if (fields.Any("system") is { } system && ChatMessages.Text(system, "system") is { Length: > 0 } told)
            turns.Add(new ChatMessage("system", told));
        for (int i = 0; i < messages.GetArrayLength(); i++)
        {
            Fields message = new(messages[i], $"messages[{i}].");
            string role = message.NeededText("role");
            if (role is not ("user" or "assistant"))
                throw new ApiException(400, $"'{message.Name("role")}' must be user or assistant, but it is '{role}'.", message.Name("role"), "invalid_value");
            turns.Add(new ChatMessage(role, ChatMessages.Text(message.Any("content") ?? throw message.Missing("content"), message.Name("content"))));
            message.RefuseOthers();
        }
        return turns;
    }

    private static async Task Whole(Call call, Asked asked, TextRequest request, string id)
    {
        StringBuilder text = new();
        TextUpdate end = default;
        bool began = false;
        await foreach (TextUpdate update in request.ReadAsync(call.Cancellation).ConfigureAwait(false))
        {
            OpenAI.ChatCompletions.Began(call, ref began);
            text.Append(update.Text);
            end = update;
        }
        await call.WriteAsync(json => WriteMessage(json, asked, id, request.Usage, text.ToString(), end)).ConfigureAwait(false);
    }

    private static async Task Stream(Call call, Asked asked, TextRequest request, string id)
    {
        ReplyStream? stream = null;
        bool began = false;
        await foreach (TextUpdate update in request.ReadAsync(call.Cancellation).ConfigureAwait(false))
        {
            OpenAI.ChatCompletions.Began(call, ref began);
            if (stream is null)
            {
                stream = ReplyStream.Events(call);
                await SendAsync("message_start", json =>
                {
                    json.WritePropertyName("message");
                    WriteMessage(json, asked, id, request.Usage with { Made = 0 }, null, null);
                }).ConfigureAwait(false);
                await SendAsync("content_block_start", json =>
                {
                    json.WriteNumber("index", 0);
                    json.WriteStartObject("content_block");
                    json.WriteString("type", "text");
                    json.WriteString("text", "");
                    json.WriteEndObject();
                }).ConfigureAwait(false);
            }
            if (update.Text.Length > 0)
            {
                await SendAsync("content_block_delta", json =>
                {
                    json.WriteNumber("index", 0);
                    json.WriteStartObject("delta");
                    json.WriteString("type", "text_delta");
                    json.WriteString("text", update.Text);
                    json.WriteEndObject();
                }).ConfigureAwait(false);
            }
            if (update.End is null)
                continue;
            await SendAsync("content_block_stop", static json => json.WriteNumber("index", 0)).ConfigureAwait(false);
            await SendAsync("message_delta", json =>
            {
                json.WriteStartObject("delta");
                WriteEnd(json, update);
                json.WriteEndObject();
                WriteUsage(json, request.Usage);
            }).ConfigureAwait(false);
            await SendAsync("message_stop", static _ => { }).ConfigureAwait(false);
        }

        Task SendAsync(string name, Action<Utf8JsonWriter> write) => stream!.SendAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("type", name);
            write(json);
            json.WriteEndObject();
        }, name);
    }

    private static void WriteMessage(Utf8JsonWriter json, Asked asked, string id, BatchUsage usage, string? text, TextUpdate? end)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("type", "message");
        json.WriteString("role", "assistant");
        json.WriteString("model", asked.Engine.Name);
        json.WriteStartArray("content");
        if (text is not null)
        {
            json.WriteStartObject();
            json.WriteString("type", "text");
            json.WriteString("text", text);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteEnd(json, end);
        WriteUsage(json, usage);
        json.WriteEndObject();
    }

    private static void WriteEnd(Utf8JsonWriter json, TextUpdate? end)
    {
        json.WriteString("stop_reason", end is not { } update ? null
            : update.Stop is not null ? "stop_sequence"
            : update.End == TextEnd.Length ? "max_tokens" : "end_turn");
        json.WriteString("stop_sequence", end?.Stop);
    }

    // Anthropic counts what was read anew and what was not apart.
    private static void WriteUsage(Utf8JsonWriter json, BatchUsage usage)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("input_tokens", usage.Prompt - usage.Cached);
        json.WriteNumber("cache_creation_input_tokens", 0);
        json.WriteNumber("cache_read_input_tokens", usage.Cached);
        json.WriteNumber("output_tokens", usage.Made);
        json.WriteEndObject();
    }
}
