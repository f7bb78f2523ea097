using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language.Serving;
using Lemma.Language.Tools;
using Lemma.Server.Http;

namespace Lemma.Server.Anthropic;

/// <summary><c>/v1/messages</c> and <c>/v1/messages/count_tokens</c>: Anthropic's API.</summary>
internal static class AnthropicMessages
{
    private sealed record Asked(ServedEngine Engine, int[] Prompt, AnswerOptions Answer, bool Streams);

    public static async Task Answer(Call call)
    {
        Asked asked;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            asked = Read(fields, await call.WriterAsync(fields.NeededText("model")).ConfigureAwait(false), call.State);
        }
        AnswerRequest request = ChatAnswers.Begin(call, asked.Engine, asked.Prompt, asked.Answer, "output_config.format");
        string id = $"msg_{Guid.NewGuid():N}";
        await (asked.Streams ? Stream(call, asked, request, id) : Whole(call, asked, request, id)).ConfigureAwait(false);
    }

    public static async Task Count(Call call)
    {
        int tokens;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            ServedEngine engine = await call.WriterAsync(fields.NeededText("model")).ConfigureAwait(false);
            AnswerOptions answer = new() { Tools = AnthropicTools.Read(fields), Choice = AnthropicTools.Choice(fields) };
            answer = AnthropicTools.Configured(fields, answer, engine);
            tokens = ChatMessages.Prompt(engine, AnthropicTurns.Read(fields, engine), LanguageEngine.TemplateOptions(answer)).Length;
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

    private static Asked Read(Fields fields, ServedEngine engine, ServerState state)
    {
        int most = fields.Whole("max_tokens", 1) ?? throw fields.Missing("max_tokens");
        AnswerOptions answer = new() { Tools = AnthropicTools.Read(fields), Choice = AnthropicTools.Choice(fields) };
        if (answer.Choice.IsRequired && answer.Tools.Count == 0)
            throw new ApiException(400, "'tool_choice' requires a call, but there are no tools.", "tool_choice", "invalid_value");
        answer = AnthropicTools.Configured(fields, answer, engine);
        int[] prompt = ChatMessages.Prompt(engine, AnthropicTurns.Read(fields, engine), LanguageEngine.TemplateOptions(answer));
        double? temperature = fields.Number("temperature", 0, 1), topP = fields.Number("top_p", 0, 1);
        GenerationOptions drawn = GenerationOptions.Sample(temperature, Generation.TopK(fields), topP, own: engine.Writer!.Model.Model.Sampling);
        bool streams = fields.Flag("stream") ?? false;
        IReadOnlyList<string> stops = Generation.Stops(fields, "stop_sequences");
        // Not Anthropic's, but one seed is one text here.
        ulong seed = fields.Long("seed") is { } own ? unchecked((ulong)own) : state.NextSeed();
        fields.Accept("metadata");
        fields.Refuse("service_tier", "there is one", "auto", "standard_only");
        RefuseMissing(fields);
        fields.RefuseOthers();
        int room = Generation.Room(prompt, engine, "messages");
        return new Asked(engine, prompt, answer with { Generation = drawn with { Seed = seed, StopTexts = stops, MaximumTokens = Math.Min(most, room) } }, streams);
    }

    // A model thinks where its template says so; a budget for it cannot be set.
    private static void RefuseMissing(Fields fields)
    {
        if (fields.Any("thinking") is { } thinking && !(thinking.ValueKind == JsonValueKind.Object && thinking.TryGetProperty("type", out JsonElement type)
            && type.ValueKind == JsonValueKind.String && type.GetString() == "disabled"))
            throw new ApiException(400, "'thinking' is not supported but for {\"type\": \"disabled\"}.", "thinking", "unsupported_parameter");
    }

    private static async Task Whole(Call call, Asked asked, AnswerRequest request, string id)
    {
        WholeAnswer whole = new();
        AnswerUpdate end = default;
        bool began = false;
        await foreach (AnswerUpdate update in request.ReadAsync(call.Cancellation).ConfigureAwait(false))
        {
            OpenAI.ChatCompletions.Began(call, ref began);
            whole.Add(update);
            end = update;
        }
        await call.WriteAsync(json => WriteMessage(json, asked, id, request.Usage, whole, end)).ConfigureAwait(false);
    }

    private static async Task Stream(Call call, Asked asked, AnswerRequest request, string id)
    {
        ReplyStream? stream = null;
        AnthropicBlocks blocks = new(SendAsync);
        bool began = false;
        await foreach (AnswerUpdate update in request.ReadAsync(call.Cancellation).ConfigureAwait(false))
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
            }
            foreach (AnswerDelta delta in update.Deltas)
                await blocks.SendAsync(delta).ConfigureAwait(false);
            if (update.End is null)
                continue;
            await blocks.EndAsync().ConfigureAwait(false);
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

    private static void WriteMessage(Utf8JsonWriter json, Asked asked, string id, BatchUsage usage, WholeAnswer? answer, AnswerUpdate? end)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("type", "message");
        json.WriteString("role", "assistant");
        json.WriteString("model", asked.Engine.Name);
        json.WriteStartArray("content");
        if (answer is not null)
            WriteBlocks(json, answer);
        json.WriteEndArray();
        WriteEnd(json, end);
        WriteUsage(json, usage);
        json.WriteEndObject();
    }

    private static void WriteBlocks(Utf8JsonWriter json, WholeAnswer answer)
    {
        if (answer.Parts.Reasoning.Length > 0)
        {
            json.WriteStartObject();
            json.WriteString("type", "thinking");
            json.WriteString("thinking", answer.Parts.Reasoning);
            json.WriteString("signature", "");
            json.WriteEndObject();
        }
        if (answer.Parts.Content.Length > 0 || (answer.Parts.Reasoning.Length == 0 && answer.Parts.Calls.Count == 0))
        {
            json.WriteStartObject();
            json.WriteString("type", "text");
            json.WriteString("text", answer.Parts.Content);
            json.WriteEndObject();
        }
        foreach (ToolCall call in answer.Parts.Calls)
        {
            json.WriteStartObject();
            json.WriteString("type", "tool_use");
            json.WriteString("id", call.Id);
            json.WriteString("name", call.Name);
            json.WritePropertyName("input");
            ChatAnswers.WriteArguments(json, call);
            json.WriteEndObject();
        }
    }

    private static void WriteEnd(Utf8JsonWriter json, AnswerUpdate? end)
    {
        json.WriteString("stop_reason", end is not { } update ? null
            : update.Text.Stop is not null ? "stop_sequence"
            : update.End == TextEnd.Length ? "max_tokens"
            : update.Calls ? "tool_use" : "end_turn");
        json.WriteString("stop_sequence", end?.Text.Stop);
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
