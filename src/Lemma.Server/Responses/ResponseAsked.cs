using System.Text.Json;
using Lemma.Language.Serving;
using Lemma.Server.Http;
using Lemma.Text.Templates;

namespace Lemma.Server.Responses;

/// <summary>A request for a response, read and checked.</summary>
/// <param name="Engine">Who answers.</param>
/// <param name="Prompt">The conversation in ids.</param>
/// <param name="Answer">What the answer may be.</param>
/// <param name="Said">What the reply says again of the request, by name.</param>
/// <param name="Input">The items of the request.</param>
/// <param name="Conversation">All items, those of earlier responses included.</param>
internal sealed record ResponseAsked(ServedEngine Engine, int[] Prompt, AnswerOptions Answer, IReadOnlyDictionary<string, JsonElement> Said,
    IReadOnlyList<ResponseItem> Input, IReadOnlyList<ResponseItem> Conversation)
{
    private const int MostLikeliest = 20;

    public bool Streams { get; init; }

    /// <summary>Whether it is kept for requests that go on from it.</summary>
    public bool Stores { get; init; }

    /// <summary>Reads a request.</summary>
    public static async Task<ResponseAsked> ReadAsync(Fields fields, Call call, ResponseMemory memory) =>
        Read(fields, await call.WriterAsync(fields.NeededText("model")).ConfigureAwait(false), call.State, memory);

    private static ResponseAsked Read(Fields fields, ServedEngine engine, ServerState state, ResponseMemory memory)
    {
        string? instructions = fields.Text("instructions"), previous = fields.Text("previous_response_id");
        IReadOnlyList<ResponseItem> input = ResponseInput.Read(fields);
        IReadOnlyList<ResponseItem> conversation = previous is null ? input : [.. memory.Conversation(previous), .. input];
        AnswerOptions answer = ResponseTools.Read(fields, new AnswerOptions
        {
            Variables = fields.Any("reasoning") is { } thinks ? ChatMessages.Variables(fields, new Fields(thinks, "reasoning."), "effort", engine)
                : ChatMessages.Variables(fields) ?? new Dictionary<string, JsonElement>(),
            Priority = fields.Whole("priority", int.MinValue) ?? 0,
        });
        GenerationOptionsOf(fields, state, engine, ref answer);
        int? most = fields.Whole("max_output_tokens", 1);
        bool cuts = Cuts(fields), streams = fields.Flag("stream") ?? false, stores = (fields.Flag("store") ?? true) && state.Options.StoredResponseBytes > 0;
        StreamOptions(fields, streams);
        RefuseMissing(fields);
        CheckMetadata(fields);
        Dictionary<string, JsonElement> said = [];
        foreach ((string name, _) in ResponseJson.Repeated)
        {
            if (fields.Any(name) is { } value)
                said[name] = value.Clone();
        }
        if (fields.Any("text") is { } text && new Fields(text).Any("format") is { } format)
            said["format"] = format.Clone();
        if (fields.Any("reasoning") is { } asked && new Fields(asked).Any("effort") is { } effort)
            said["effort"] = effort.Clone();
        fields.Accept("prompt_cache_retention", "prompt_cache_options");
        fields.RefuseOthers();
        ChatOptions template = LanguageEngine.TemplateOptions(answer);
        List<ChatMessage> turns = ResponseInput.Turns(instructions, conversation, engine);
        int[] prompt = cuts ? Truncation.Fit(engine, turns, template, most) : ChatMessages.Prompt(engine, turns, template);
        int room = Generation.Room(prompt, engine, "input");
        answer = answer with { Generation = answer.Generation! with { MaximumTokens = Math.Min(most ?? room, room) } };
        return new ResponseAsked(engine, prompt, answer, said, input, conversation) { Streams = streams, Stores = stores };
    }

    private static void GenerationOptionsOf(Fields fields, ServerState state, ServedEngine engine, ref AnswerOptions answer)
    {
        int? likeliest = fields.Whole("top_logprobs", 0, MostLikeliest);
        likeliest = Includes(fields) ? likeliest ?? 0 : likeliest is 0 ? null : likeliest;
        answer = answer with { Generation = Generation.Read(fields, engine, state) with { LogProbabilities = likeliest } };
    }

    // Whether log-probabilities are told. Thoughts are told as they are, so encrypted ones are not there to be included.
    private static bool Includes(Fields fields)
    {
        if (fields.Any("include") is not { } value)
            return false;
        if (value.ValueKind != JsonValueKind.Array)
            throw Fields.Wrong(fields.Name("include"), "an array of names", value);
        bool tells = false;
        foreach (JsonElement one in value.EnumerateArray())
        {
            string? name = one.ValueKind == JsonValueKind.String ? one.GetString() : null;
            if (name is not ("message.output_text.logprobs" or "reasoning.encrypted_content"))
            {
                throw new ApiException(400, "'include' is not supported but for message.output_text.logprobs and reasoning.encrypted_content.", "include",
                    "unsupported_parameter");
            }
            tells |= name == "message.output_text.logprobs";
        }
        return tells;
    }

    private static bool Cuts(Fields fields) => fields.Text("truncation") switch
    {
        null or "disabled" => false,
        "auto" => true,
        var other => throw new ApiException(400, $"'truncation' must be auto or disabled, but it is '{other}'.", "truncation", "invalid_value"),
    };

    private static void StreamOptions(Fields fields, bool streams)
    {
        if (fields.Any("stream_options") is not { } value)
            return;
        if (!streams)
            throw new ApiException(400, "'stream_options' is for streams alone.", "stream_options", "invalid_value");
        Fields own = new(value, "stream_options.");
        own.Accept("include_obfuscation");
        own.RefuseOthers();
    }

    private static void CheckMetadata(Fields fields)
    {
        if (fields.Any("metadata") is { } value && !(value.ValueKind == JsonValueKind.Object
            && value.EnumerateObject().All(static one => one.Value.ValueKind == JsonValueKind.String)))
            throw Fields.Wrong("metadata", "an object of strings", value);
        foreach (string name in (string[])["user", "safety_identifier", "prompt_cache_key"])
            fields.Text(name);
        fields.Whole("max_tool_calls", 0);
    }

    private static void RefuseMissing(Fields fields)
    {
        fields.Refuse("background", "answers are made while the client waits");
        fields.Refuse("conversation", "previous_response_id goes on from an earlier response");
        fields.Refuse("prompt", "no prompts are kept here");
        fields.Refuse("context_management", "truncation cuts what is too long");
        fields.Refuse("moderation", "nothing is moderated");
        fields.Refuse("service_tier", "there is one", "auto", "default");
        if (fields.Any("reasoning") is not { } value)
            return;
        Fields reasoning = new(value, "reasoning.");
        reasoning.Accept("effort");
        reasoning.Refuse("summary", "thoughts are told as they are", "auto");
        reasoning.Refuse("generate_summary", "thoughts are told as they are", "auto");
        reasoning.RefuseOthers();
    }
}
