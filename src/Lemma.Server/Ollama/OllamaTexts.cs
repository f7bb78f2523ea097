using System.Text;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language.Serving;
using Lemma.Server.Http;
using Lemma.Text.Templates;

namespace Lemma.Server.Ollama;

/// <summary><c>/api/chat</c> and <c>/api/generate</c>: texts in lines of JSON, or in one object.</summary>
internal static class OllamaTexts
{
    // What both have in common; a text is a message of a chat, or a response.
    private sealed record Asked(ServedEngine Engine, int[] Prompt, GenerationOptions Options, bool Streams, bool IsChat);

    public static async Task Chat(Call call)
    {
        Asked asked;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            ServedEngine engine = call.State.Writer(fields.NeededText("model"));
            if (fields.Any("messages") is not { ValueKind: JsonValueKind.Array } messages || messages.GetArrayLength() == 0)
            {
                await Loaded(call, engine, isChat: true).ConfigureAwait(false);
                return;
            }
            ChatMessage[] turns = [.. messages.EnumerateArray().Select((message, i) => Turn(new Fields(message, $"messages[{i}].")))];
            fields.Refuse("tools", "the model cannot be told of tools yet");
            asked = Read(fields, call.State, engine, ChatMessages.Prompt(engine, turns), isChat: true);
        }
        await Answer(call, asked).ConfigureAwait(false);
    }

    public static async Task Generate(Call call)
    {
        Asked asked;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            ServedEngine engine = call.State.Writer(fields.NeededText("model"));
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
            asked = Read(fields, call.State, engine, byTemplate ? ChatMessages.Prompt(engine, turns) : engine.Writer!.Model.Prompt(prompt), isChat: false);
        }
        await Answer(call, asked).ConfigureAwait(false);
    }

    private static Asked Read(Fields fields, ServerState state, ServedEngine engine, int[] prompt, bool isChat)
    {
        int room = Generation.Room(prompt, engine, isChat ? "messages" : "prompt");
        GenerationOptions options = OllamaOptions.Read(fields, engine, state, room);
        bool streams = fields.Flag("stream") ?? true;
        fields.Refuse("format", "an answer cannot be held to JSON yet", "");
        fields.Refuse("think", "the effort of reasoning cannot be chosen yet");
        fields.Refuse("logprobs", "Ollama's API has none here; /v1/chat/completions has");
        // OllamaSharp sends its own settings along.
        fields.Accept("keep_alive", "top_logprobs", OllamaPages.Stray);
        fields.RefuseOthers();
        return new Asked(engine, prompt, options, streams, isChat);
    }

    private static ChatMessage Turn(Fields message)
    {
        string role = message.NeededText("role"), content = message.Text("content") ?? "";
        if (role is not ("system" or "user" or "assistant"))
            throw new ApiException(400, $"'{message.Name("role")}' must be system, user or assistant, but it is '{role}'.", message.Name("role"), "invalid_value");
        message.Refuse("images", "this model reads text alone");
        message.Refuse("tool_calls", "tools are not there yet");
        message.Accept("thinking");
        message.RefuseOthers();
        return new ChatMessage(role, content);
    }

    private static async Task Answer(Call call, Asked asked)
    {
        TextRequest request = asked.Engine.Writer!.Submit(asked.Prompt, asked.Options, cancellation: call.Cancellation);
        ReplyStream? stream = null;
        StringBuilder whole = new();
        bool began = false;
        TimeSpan read = default;
        TextEnd ended = TextEnd.Stop;
        await foreach (TextUpdate update in request.ReadAsync(call.Cancellation).ConfigureAwait(false))
        {
            if (!began)
                read = TimeProvider.System.GetElapsedTime(call.Started);
            OpenAI.ChatCompletions.Began(call, ref began);
            ended = update.End ?? ended;
            if (!asked.Streams)
                whole.Append(update.Text);
            else if (update.Text.Length > 0)
            {
                stream ??= ReplyStream.Lines(call);
                await stream.SendAsync(json => Write(json, asked, update.Text, null)).ConfigureAwait(false);
            }
        }
        Action<Utf8JsonWriter> last = json => Write(json, asked, whole.ToString(),
            () => WriteEnd(json, call, request.Usage, ended == TextEnd.Length ? "length" : "stop", read));
        await (asked.Streams ? (stream ?? ReplyStream.Lines(call)).SendAsync(last) : call.WriteAsync(last)).ConfigureAwait(false);
    }

    private static Task Loaded(Call call, ServedEngine engine, bool isChat) => call.WriteAsync(json =>
        Write(json, new Asked(engine, [], GenerationOptions.Greedy, false, isChat), "", () => WriteEnd(json, call, default, "load", default)));

    private static void Write(Utf8JsonWriter json, Asked asked, string text, Action? writeEnd)
    {
        json.WriteStartObject();
        json.WriteString("model", asked.Engine.Name);
        json.WriteString("created_at", DateTimeOffset.UtcNow);
        if (asked.IsChat)
        {
            json.WriteStartObject("message");
            json.WriteString("role", "assistant");
            json.WriteString("content", text);
            json.WriteEndObject();
        }
        else
            json.WriteString("response", text);
        json.WriteBoolean("done", writeEnd is not null);
        writeEnd?.Invoke();
        json.WriteEndObject();
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
