using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Language.Tools;
using Lemma.Server.Http;
using Lemma.Text.Templates;

namespace Lemma.Server.OpenAI;

/// <summary><c>/v1/chat/completions</c>.</summary>
internal static class ChatCompletions
{
    private sealed record Asked(ServedEngine Engine, int[] Prompt, AnswerOptions Answer, bool Streams, bool TellsUsage)
    {
        public int? Likeliest => Answer.Generation!.LogProbabilities;
    }

    public static async Task Answer(Call call)
    {
        Asked asked;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            asked = Read(fields, await call.WriterAsync(fields.NeededText("model")).ConfigureAwait(false), call.State);
        }
        AnswerRequest request = ChatAnswers.Begin(call, asked.Engine, asked.Prompt, asked.Answer);
        Reply reply = new(asked.Engine, $"chatcmpl-{Guid.NewGuid():N}", DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        await (asked.Streams ? Stream(call, asked, request, reply) : Whole(call, asked, request, reply)).ConfigureAwait(false);
    }

    private static Asked Read(Fields fields, ServedEngine engine, ServerState state)
    {
        IReadOnlyList<ChatMessage> messages = ChatMessages.Read(fields, engine);
        AnswerOptions answer = new()
        {
            Variables = ChatMessages.Variables(fields, fields, "reasoning_effort", engine),
            Tools = ChatTools.Read(fields),
            Choice = ChatTools.Choice(fields),
            Count = Generation.Count(fields, state),
            Priority = fields.Whole("priority", int.MinValue) ?? 0,
        };
        if (answer.Choice.IsRequired && answer.Tools.Count == 0)
            throw new ApiException(400, "'tool_choice' requires a call, but there are no tools.", "tool_choice", "invalid_value");
        answer = ChatTools.Format(fields, answer);
        GenerationOptions options = Generation.Read(fields, engine, state);
        int? likeliest = Generation.Likeliest(fields), most = fields.Whole("max_completion_tokens", 1) is { } newer ? newer : fields.Whole("max_tokens", 1);
        fields.Accept("max_tokens", "prediction");
        bool streams = fields.Flag("stream") ?? false, tellsUsage = TellsUsage(fields, streams);
        RefuseMissing(fields);
        Generation.AcceptLabels(fields);
        fields.RefuseOthers();
        int[] prompt = ChatMessages.Prompt(engine, messages, LanguageEngine.TemplateOptions(answer));
        int room = Generation.Room(prompt, engine, "messages");
        answer = answer with { Generation = options with { LogProbabilities = likeliest, MaximumTokens = Math.Min(most ?? room, room) } };
        return new Asked(engine, prompt, answer, streams, tellsUsage);
    }

    private static void RefuseMissing(Fields fields)
    {
        fields.Refuse("functions", "'tools' is its newer name");
        fields.Refuse("function_call", "'tool_choice' is its newer name", "none", "auto");
        fields.Refuse("verbosity", "it cannot be chosen");
        fields.Refuse("audio", "this model writes text alone");
        fields.Refuse("web_search_options", "nothing is searched");
        fields.Refuse("store", "answers are not kept");
        fields.Refuse("service_tier", "there is one", "auto", "default");
        if (fields.Any("modalities") is { } kinds && !(kinds.ValueKind == JsonValueKind.Array && kinds.EnumerateArray().All(kind =>
            kind.ValueKind == JsonValueKind.String && kind.GetString() == "text")))
            throw new ApiException(400, "'modalities' is not supported but for [\"text\"].", "modalities", "unsupported_parameter");
    }

    /// <summary>Whether a stream ends with what it took.</summary>
    internal static bool TellsUsage(Fields fields, bool streams)
    {
        if (fields.Any("stream_options") is not { } value)
            return false;
        if (!streams)
            throw new ApiException(400, "'stream_options' is for streams alone.", "stream_options", "invalid_value");
        Fields own = new(value, "stream_options.");
        bool tells = own.Flag("include_usage") ?? false;
        own.Accept("include_obfuscation");
        own.RefuseOthers();
        return tells;
    }

    private static async Task Whole(Call call, Asked asked, AnswerRequest request, Reply reply)
    {
        WholeAnswer[] answers = [.. Enumerable.Range(0, asked.Answer.Count).Select(_ => new WholeAnswer())];
        bool began = false;
        await foreach (AnswerUpdate update in request.ReadAsync(call.Cancellation).ConfigureAwait(false))
        {
            Began(call, ref began);
            answers[update.Sequence].Add(update);
        }
        await call.WriteAsync(json => reply.Write(json, "chat.completion", () =>
        {
            for (int i = 0; i < answers.Length; i++)
            {
                WholeAnswer answer = answers[i];
                json.WriteStartObject();
                json.WriteNumber("index", i);
                json.WriteStartObject("message");
                json.WriteString("role", "assistant");
                json.WriteString("content", answer.Parts.Calls.Count > 0 && answer.Parts.Content.Length == 0 ? null : answer.Parts.Content);
                json.WriteNull("refusal");
                json.WriteStartArray("annotations");
                json.WriteEndArray();
                if (answer.Parts.Reasoning.Length > 0)
                    json.WriteString("reasoning_content", answer.Parts.Reasoning);
                if (answer.Parts.Calls.Count > 0)
                {
                    json.WriteStartArray("tool_calls");
                    foreach (ToolCall one in answer.Parts.Calls)
                        WriteCall(json, one);
                    json.WriteEndArray();
                }
                json.WriteEndObject();
                reply.WriteLogProbabilities(json, asked.Likeliest is null ? null : answer.Choices);
                json.WriteString("finish_reason", TokenJson.Reason(answer.End, answer.Parts.Calls.Count > 0));
                json.WriteEndObject();
            }
        }, () => TokenJson.WriteUsage(json, request.Usage, request.Thought))).ConfigureAwait(false);
    }

    private static async Task Stream(Call call, Asked asked, AnswerRequest request, Reply reply)
    {
        const string kind = "chat.completion.chunk";
        ReplyStream? stream = null;
        bool began = false;
        await foreach (AnswerUpdate update in request.ReadAsync(call.Cancellation).ConfigureAwait(false))
        {
            Began(call, ref began);
            // What fails before anything was said has a status of its own.
            if (stream is null)
            {
                stream = ReplyStream.Events(call);
                for (int i = 0; i < asked.Answer.Count; i++)
                {
                    await SendAsync(i, json =>
                    {
                        json.WriteString("role", "assistant");
                        json.WriteString("content", "");
                    }, null, null).ConfigureAwait(false);
                }
            }
            TokenChoice? choice = update.Text.Choice;
            foreach (AnswerDelta delta in update.Deltas.Where(static delta => delta.Kind != AnswerKind.CallId))
            {
                await SendAsync(update.Sequence, json => WriteDelta(json, delta), choice, null).ConfigureAwait(false);
                choice = null;
            }
            if (choice is not null)
                await SendAsync(update.Sequence, static json => json.WriteString("content", ""), choice, null).ConfigureAwait(false);
            if (update.End is { } end)
                await SendAsync(update.Sequence, static _ => { }, null, TokenJson.Reason(end, update.Calls)).ConfigureAwait(false);
        }
        if (asked.TellsUsage)
        {
            await stream!.SendAsync(json => reply.Write(json, kind, static () => { }, () => TokenJson.WriteUsage(json, request.Usage, request.Thought)))
                .ConfigureAwait(false);
        }
        await stream!.DoneAsync().ConfigureAwait(false);

        Task SendAsync(int index, Action<Utf8JsonWriter> write, TokenChoice? choice, string? reason) => stream!.SendAsync(json => reply.Write(json, kind, () =>
        {
            json.WriteStartObject();
            json.WriteNumber("index", index);
            json.WriteStartObject("delta");
            write(json);
            json.WriteEndObject();
            reply.WriteLogProbabilities(json, choice is null ? null : [choice]);
            json.WriteString("finish_reason", reason);
            json.WriteEndObject();
        }, () =>
        {
            if (asked.TellsUsage)
                json.WriteNull("usage");
        }));
    }

    private static void WriteCall(Utf8JsonWriter json, ToolCall call)
    {
        json.WriteStartObject();
        json.WriteString("id", call.Id);
        json.WriteString("type", "function");
        json.WriteStartObject("function");
        json.WriteString("name", call.Name);
        json.WriteString("arguments", call.Arguments);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    // A call begins with its id and name; pieces of its arguments follow.
    private static void WriteDelta(Utf8JsonWriter json, AnswerDelta delta)
    {
        if (delta.Kind is AnswerKind.Content or AnswerKind.Reasoning)
        {
            json.WriteString(delta.Kind == AnswerKind.Content ? "content" : "reasoning_content", delta.Text);
            return;
        }
        json.WriteStartArray("tool_calls");
        json.WriteStartObject();
        json.WriteNumber("index", delta.Call);
        if (delta.Kind == AnswerKind.CallName)
        {
            json.WriteString("id", ToolCall.NewId());
            json.WriteString("type", "function");
        }
        json.WriteStartObject("function");
        json.WriteString(delta.Kind == AnswerKind.CallName ? "name" : "arguments", delta.Text);
        if (delta.Kind == AnswerKind.CallName)
            json.WriteString("arguments", "");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
    }

    /// <summary>Counts the time to the first token, once.</summary>
    internal static void Began(Call call, ref bool began)
    {
        if (!began)
            call.State.Metrics.Began(TimeProvider.System.GetElapsedTime(call.Started));
        began = true;
    }
}
