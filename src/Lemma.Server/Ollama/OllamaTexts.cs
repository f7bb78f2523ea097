using System.Globalization;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language.Serving;
using Lemma.Language.Tools;
using Lemma.Server.Http;
using Lemma.Text.Templates;

namespace Lemma.Server.Ollama;

/// <summary><c>/api/chat</c> and <c>/api/generate</c>: texts in lines of JSON, or in one object.</summary>
internal static class OllamaTexts
{
    // What both have in common; a text is a message of a chat, or a response.
    private sealed record Asked(ServedEngine Engine, int[] Prompt, AnswerOptions Answer, bool Streams, bool IsChat);

    public static async Task Chat(Call call)
    {
        Asked asked;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            ServedEngine engine = await call.WriterAsync(fields.NeededText("model")).ConfigureAwait(false);
            if (fields.Any("messages") is not { ValueKind: JsonValueKind.Array } messages || messages.GetArrayLength() == 0)
            {
                await Loaded(call, engine, isChat: true).ConfigureAwait(false);
                return;
            }
            OllamaTurns turns = new(engine);
            for (int i = 0; i < messages.GetArrayLength(); i++)
                turns.Add(new Fields(messages[i], string.Create(CultureInfo.InvariantCulture, $"messages[{i}].")));
            AnswerOptions answer = Format(fields) with { Tools = ChatTools.Read(fields) };
            asked = Read(fields, call.State, engine, ChatMessages.Prompt(engine, turns.All, LanguageEngine.TemplateOptions(answer)), answer, isChat: true);
        }
        await Answer(call, asked).ConfigureAwait(false);
    }

    public static async Task Generate(Call call)
    {
        Asked asked;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            ServedEngine engine = await call.WriterAsync(fields.NeededText("model")).ConfigureAwait(false);
            string prompt = fields.Text("prompt") ?? "";
            if (prompt.Length == 0)
            {
                await Loaded(call, engine, isChat: false).ConfigureAwait(false);
                return;
            }
            string? system = fields.Text("system");
            bool isRaw = fields.Flag("raw") ?? false, byTemplate = !isRaw && engine.Writer!.Model.Template is not null;
            if (system is { Length: > 0 } && !byTemplate)
                throw new ApiException(400, "'system' needs the model's chat template, and 'raw' leaves it out.", "system", "unsupported_parameter");
            foreach (string name in (string[])["suffix", "template"])
                fields.Refuse(name, "this model continues a text by its own template", "");
            fields.Refuse("images", "this model reads text alone");
            fields.Refuse("context", "send the text, of which what was read before is not read again");
            ChatMessage[] turns = system is { Length: > 0 } ? [new("system", system), new("user", prompt)] : [new("user", prompt)];
            AnswerOptions answer = Format(fields);
            asked = Read(fields, call.State, engine, byTemplate ? ChatMessages.Prompt(engine, turns, LanguageEngine.TemplateOptions(answer))
                : engine.Writer!.Model.Prompt(prompt), answer, isChat: false);
        }
        await Answer(call, asked).ConfigureAwait(false);
    }

    private static Asked Read(Fields fields, ServerState state, ServedEngine engine, int[] prompt, AnswerOptions answer, bool isChat)
    {
        int room = Generation.Room(prompt, engine, isChat ? "messages" : "prompt");
        GenerationOptions options = OllamaOptions.Read(fields, engine, state, room);
        bool streams = fields.Flag("stream") ?? true;
        fields.Refuse("logprobs", "Ollama's API has none here; /v1/chat/completions has");
        // OllamaSharp sends its own settings along.
        fields.Accept("keep_alive", "top_logprobs", OllamaPages.Stray);
        fields.RefuseOthers();
        return new Asked(engine, prompt, answer with { Generation = options }, streams, isChat);
    }

    // A schema, or the word json; whether the model thinks is a variable of templates that ask.
    private static AnswerOptions Format(Fields fields)
    {
        AnswerOptions answer = fields.Any("format") switch
        {
            null => new AnswerOptions(),
            { ValueKind: JsonValueKind.Object } schema => new AnswerOptions { Schema = schema.Clone() },
            { ValueKind: JsonValueKind.String } word when word.GetString() is "json" or "" => new AnswerOptions { IsJsonObject = word.GetString() == "json" },
            { } other => throw Fields.Wrong(fields.Name("format"), "\"json\" or a schema", other),
        };
        if (fields.Flag("think") is null)
            return answer;
        return answer with { Variables = new Dictionary<string, JsonElement> { ["enable_thinking"] = fields.Any("think")!.Value.Clone() } };
    }

    private static async Task Answer(Call call, Asked asked)
    {
        AnswerRequest request = ChatAnswers.Begin(call, asked.Engine, asked.Prompt, asked.Answer);
        ReplyStream? stream = null;
        WholeAnswer whole = new();
        bool began = false;
        TimeSpan read = default;
        await foreach (AnswerUpdate update in request.ReadAsync(call.Cancellation).ConfigureAwait(false))
        {
            if (!began)
                read = TimeProvider.System.GetElapsedTime(call.Started);
            OpenAI.ChatCompletions.Began(call, ref began);
            whole.Add(update);
            foreach (AnswerDelta delta in asked.Streams ? update.Deltas : [])
            {
                if (delta.Kind is not (AnswerKind.Content or AnswerKind.Reasoning))
                    continue;
                stream ??= ReplyStream.Lines(call);
                bool isSaid = delta.Kind == AnswerKind.Content;
                await stream.SendAsync(json => Write(json, asked, isSaid ? delta.Text : "", isSaid ? "" : delta.Text, [], null)).ConfigureAwait(false);
            }
        }
        // Calls are told whole, as Ollama does: their arguments are an object.
        (string said, string thought) = asked.Streams ? ("", "") : (whole.Parts.Content, whole.Parts.Reasoning);
        Action<Utf8JsonWriter> last = json => Write(json, asked, said, thought, whole.Parts.Calls,
            () => WriteEnd(json, call, request.Usage, whole.End == TextEnd.Length ? "length" : "stop", read));
        await (asked.Streams ? (stream ?? ReplyStream.Lines(call)).SendAsync(last) : call.WriteAsync(last)).ConfigureAwait(false);
    }

    private static Task Loaded(Call call, ServedEngine engine, bool isChat) => call.WriteAsync(json =>
        Write(json, new Asked(engine, [], new AnswerOptions(), false, isChat), "", "", [], () => WriteEnd(json, call, default, "load", default)));

    private static void Write(Utf8JsonWriter json, Asked asked, string text, string thought, IReadOnlyList<ToolCall> calls, Action? writeEnd)
    {
        json.WriteStartObject();
        json.WriteString("model", asked.Engine.Name);
        json.WriteString("created_at", DateTimeOffset.UtcNow);
        if (asked.IsChat)
        {
            json.WriteStartObject("message");
            json.WriteString("role", "assistant");
            json.WriteString("content", text);
            if (thought.Length > 0)
                json.WriteString("thinking", thought);
            WriteCalls(json, calls);
            json.WriteEndObject();
        }
        else
        {
            json.WriteString("response", text);
            if (thought.Length > 0)
                json.WriteString("thinking", thought);
        }
        json.WriteBoolean("done", writeEnd is not null);
        writeEnd?.Invoke();
        json.WriteEndObject();
    }

    private static void WriteCalls(Utf8JsonWriter json, IReadOnlyList<ToolCall> calls)
    {
        if (calls.Count == 0)
            return;
        json.WriteStartArray("tool_calls");
        foreach (ToolCall call in calls)
        {
            json.WriteStartObject();
            json.WriteString("id", call.Id);
            json.WriteStartObject("function");
            json.WriteString("name", call.Name);
            json.WritePropertyName("arguments");
            ChatAnswers.WriteArguments(json, call);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteEnd(Utf8JsonWriter json, Call call, BatchUsage usage, string reason, TimeSpan read)
    {
        TimeSpan all = TimeProvider.System.GetElapsedTime(call.Started);
        json.WriteString("done_reason", reason);
        json.WriteNumber("total_duration", Nanoseconds(all));
        json.WriteNumber("load_duration", 0);
        json.WriteNumber("prompt_eval_count", usage.Prompt);
        json.WriteNumber("prompt_eval_duration", Nanoseconds(read));
        json.WriteNumber("eval_count", usage.Made);
        json.WriteNumber("eval_duration", Nanoseconds(all - read));
    }

    internal static long Nanoseconds(TimeSpan time) => time.Ticks * TimeSpan.NanosecondsPerTick;
}
