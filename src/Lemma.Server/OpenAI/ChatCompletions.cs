using System.Text;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Server.Http;
using Lemma.Text.Templates;

namespace Lemma.Server.OpenAI;

/// <summary><c>/v1/chat/completions</c>.</summary>
internal static class ChatCompletions
{
    private sealed record Asked(ServedEngine Engine, int[] Prompt, GenerationOptions Options, int Count, int Priority, bool Streams, bool TellsUsage);

    public static async Task Answer(Call call)
    {
        Asked asked;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
            asked = Read(new Fields(body.RootElement), call.State);
        TextRequest request = asked.Engine.Writer!.Submit(asked.Prompt, asked.Options, asked.Count, asked.Priority, call.Cancellation);
        Reply reply = new(asked.Engine, $"chatcmpl-{Guid.NewGuid():N}", DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        await (asked.Streams ? Stream(call, asked, request, reply) : Whole(call, asked, request, reply)).ConfigureAwait(false);
    }

    private static Asked Read(Fields fields, ServerState state)
    {
        ServedEngine engine = state.Writer(fields.NeededText("model"));
        IReadOnlyList<ChatMessage> messages = ChatMessages.Read(fields);
        IReadOnlyDictionary<string, JsonElement>? variables = ChatMessages.Variables(fields);
        GenerationOptions options = Generation.Read(fields, engine, state);
        int count = Generation.Count(fields, state), priority = fields.Whole("priority", int.MinValue) ?? 0;
        int? likeliest = Generation.Likeliest(fields), most = fields.Whole("max_completion_tokens", 1) is { } newer ? newer : fields.Whole("max_tokens", 1);
        fields.Accept("max_tokens", "prediction");
        bool streams = fields.Flag("stream") ?? false, tellsUsage = TellsUsage(fields, streams);
        RefuseMissing(fields);
        Generation.AcceptLabels(fields);
        fields.RefuseOthers();
        int[] prompt = ChatMessages.Prompt(engine, messages, variables);
        int room = Generation.Room(prompt, engine, "messages");
        return new Asked(engine, prompt, options with { LogProbabilities = likeliest, MaximumTokens = Math.Min(most ?? room, room) }, count, priority, streams,
            tellsUsage);
    }

    // The one place that says what is not there yet: constraints of answers, tools and efforts of reasoning are wired here.
    private static void RefuseMissing(Fields fields)
    {
        if (fields.Any("response_format") is { } format && !(format.ValueKind == JsonValueKind.Object && format.TryGetProperty("type", out JsonElement type)
            && type.ValueKind == JsonValueKind.String && type.GetString() == "text"))
            throw new ApiException(400, "'response_format' is not supported but for {\"type\": \"text\"}.", "response_format", "unsupported_parameter");
        if (!(fields.Any("tool_choice") is { ValueKind: JsonValueKind.String } choice && choice.GetString() == "none"))
        {
            fields.Refuse("tools", "the model cannot be told of tools yet; \"tool_choice\": \"none\" leaves them out");
            fields.Refuse("tool_choice", "the model cannot be made to call a tool yet", "auto");
        }
        fields.Accept("tools", "tool_choice", "parallel_tool_calls");
        fields.Refuse("functions", "the model cannot be told of tools yet");
        fields.Refuse("function_call", "the model cannot be told of tools yet", "none", "auto");
        fields.Refuse("reasoning_effort", "the effort of reasoning cannot be chosen yet");
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

    private static async Task Whole(Call call, Asked asked, TextRequest request, Reply reply)
    {
        StringBuilder[] texts = [.. Enumerable.Range(0, asked.Count).Select(_ => new StringBuilder())];
        List<TokenChoice>[] choices = [.. texts.Select(_ => new List<TokenChoice>())];
        TextEnd[] ends = new TextEnd[asked.Count];
        bool began = false;
        await foreach (TextUpdate update in request.ReadAsync(call.Cancellation).ConfigureAwait(false))
        {
            Began(call, ref began);
            texts[update.Sequence].Append(update.Text);
            if (update.Choice is { } choice)
                choices[update.Sequence].Add(choice);
            ends[update.Sequence] = update.End ?? ends[update.Sequence];
        }
        await call.WriteAsync(json => reply.Write(json, "chat.completion", () =>
        {
            for (int i = 0; i < asked.Count; i++)
            {
                json.WriteStartObject();
                json.WriteNumber("index", i);
                json.WriteStartObject("message");
                json.WriteString("role", "assistant");
                json.WriteString("content", texts[i].ToString());
                json.WriteNull("refusal");
                json.WriteStartArray("annotations");
                json.WriteEndArray();
                json.WriteEndObject();
                reply.WriteLogProbabilities(json, asked.Options.LogProbabilities is null ? null : choices[i]);
                json.WriteString("finish_reason", TokenJson.Reason(ends[i]));
                json.WriteEndObject();
            }
        }, () => TokenJson.WriteUsage(json, request.Usage))).ConfigureAwait(false);
    }

    private static async Task Stream(Call call, Asked asked, TextRequest request, Reply reply)
    {
        const string kind = "chat.completion.chunk";
        ReplyStream? stream = null;
        bool began = false;
        await foreach (TextUpdate update in request.ReadAsync(call.Cancellation).ConfigureAwait(false))
        {
            Began(call, ref began);
            // What fails before anything was said has a status of its own.
            if (stream is null)
            {
                stream = ReplyStream.Events(call);
                for (int i = 0; i < asked.Count; i++)
                    await SendAsync(i, "", isFirst: true, null, null).ConfigureAwait(false);
            }
            if (update.Text.Length > 0 || update.Choice is not null)
                await SendAsync(update.Sequence, update.Text, isFirst: false, update.Choice, null).ConfigureAwait(false);
            if (update.End is { } end)
                await SendAsync(update.Sequence, null, isFirst: false, null, end).ConfigureAwait(false);
        }
        if (asked.TellsUsage)
            await stream!.SendAsync(json => reply.Write(json, kind, static () => { }, () => TokenJson.WriteUsage(json, request.Usage))).ConfigureAwait(false);
        await stream!.DoneAsync().ConfigureAwait(false);

        Task SendAsync(int index, string? text, bool isFirst, TokenChoice? choice, TextEnd? end) => stream!.SendAsync(json => reply.Write(json, kind, () =>
        {
            json.WriteStartObject();
            json.WriteNumber("index", index);
            json.WriteStartObject("delta");
            if (isFirst)
                json.WriteString("role", "assistant");
            if (text is not null)
                json.WriteString("content", text);
            json.WriteEndObject();
            reply.WriteLogProbabilities(json, choice is null ? null : [choice]);
            json.WriteString("finish_reason", end is null ? null : TokenJson.Reason(end.Value));
            json.WriteEndObject();
        }, () =>
        {
            if (asked.TellsUsage)
                json.WriteNull("usage");
        }));
    }

    /// <summary>Counts the time to the first token, once.</summary>
    internal static void Began(Call call, ref bool began)
    {
        if (!began)
            call.State.Metrics.Began(TimeProvider.System.GetElapsedTime(call.Started));
        began = true;
    }
}
