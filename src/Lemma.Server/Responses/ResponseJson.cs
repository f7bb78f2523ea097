using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Language.Serving;

namespace Lemma.Server.Responses;

/// <summary>A response as an object of JSON, as OpenAI's document and the Open Responses specification have it.</summary>
internal static class ResponseJson
{
    /// <summary>Fields that a reply says again, with what they are where a request leaves them out.</summary>
    public static readonly (string Name, string Usual)[] Repeated =
    [
        ("background", "false"), ("frequency_penalty", "0"), ("instructions", "null"), ("max_output_tokens", "null"), ("max_tool_calls", "null"), ("metadata", "{}"),
        ("parallel_tool_calls", "true"), ("presence_penalty", "0"), ("previous_response_id", "null"), ("prompt_cache_key", "null"), ("safety_identifier", "null"),
        ("temperature", "1"), ("tool_choice", "\"auto\""), ("top_logprobs", "0"), ("top_p", "1"), ("truncation", "\"disabled\""), ("user", "null"),
    ];

    /// <summary>Writes a response.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="asked">The request.</param>
    /// <param name="id">Its id.</param>
    /// <param name="created">When it began, in seconds since 1970.</param>
    /// <param name="status">How it stands.</param>
    /// <param name="output">Its items.</param>
    /// <param name="request">Who makes it, where it has ended.</param>
    /// <param name="error">What the user is told of a failure.</param>
    public static void Write(Utf8JsonWriter json, ResponseAsked asked, string id, long created, string status, IReadOnlyList<ResponseItem> output,
        AnswerRequest? request = null, string? error = null)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("object", "response");
        json.WriteNumber("created_at", created);
        json.WritePropertyName("completed_at");
        if (status == "completed")
            json.WriteNumberValue(DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        else
            json.WriteNullValue();
        json.WriteString("status", status);
        WriteError(json, error);
        json.WritePropertyName("incomplete_details");
        json.WriteRawValue(status == "incomplete" ? """{"reason":"max_output_tokens"}""" : "null");
        json.WriteString("model", asked.Engine.Name);
        json.WriteStartArray("output");
        foreach (ResponseItem item in output)
            item.Write(json, asked.Engine.Writer!.Model);
        json.WriteEndArray();
        foreach ((string name, string usual) in Repeated)
            WriteSaid(json, asked, name, usual);
        ResponseTools.Write(json, asked.Answer.Tools);
        WriteFormat(json, asked);
        json.WriteStartObject("reasoning");
        WriteSaid(json, asked, "effort", "null");
        json.WriteNull("summary");
        json.WriteEndObject();
        json.WriteString("service_tier", "default");
        json.WriteBoolean("store", asked.Stores);
        if (request is null)
            json.WriteNull("usage");
        else
            WriteUsage(json, request.Usage, request.Thought);
        json.WriteEndObject();
    }

    private static void WriteSaid(Utf8JsonWriter json, ResponseAsked asked, string name, string usual)
    {
        json.WritePropertyName(name);
        if (asked.Said.TryGetValue(name, out JsonElement value))
            value.WriteTo(json);
        else if (Own(asked.Engine.Writer!.Model, name) is { } own)
            json.WriteNumberValue(own);
        else
            json.WriteRawValue(usual);
    }

    // What the model's makers would have where nobody says otherwise.
    private static double? Own(LanguageModel model, string name) => name switch
    {
        "temperature" => model.Model.Sampling.Temperature,
        "top_p" => model.Model.Sampling.TopP,
        _ => null,
    };

    private static void WriteFormat(Utf8JsonWriter json, ResponseAsked asked)
    {
        json.WriteStartObject("text");
        json.WriteStartObject("format");
        if (asked.Said.TryGetValue("format", out JsonElement format))
        {
            foreach (JsonProperty field in format.EnumerateObject().Where(static field => field.Value.ValueKind != JsonValueKind.Null))
                field.WriteTo(json);
        }
        else
            json.WriteString("type", "text");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteError(Utf8JsonWriter json, string? error)
    {
        if (error is null)
        {
            json.WriteNull("error");
            return;
        }
        json.WriteStartObject("error");
        json.WriteString("code", "server_error");
        json.WriteString("message", error);
        json.WriteEndObject();
    }

    /// <summary>Writes what an answer took. All that is read is kept for prompts that begin alike, so it is written to the cache.</summary>
    public static void WriteUsage(Utf8JsonWriter json, BatchUsage usage, int thought)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("input_tokens", usage.Prompt);
        json.WriteStartObject("input_tokens_details");
        json.WriteNumber("cached_tokens", usage.Cached);
        json.WriteNumber("cache_write_tokens", usage.Prompt - usage.Cached);
        json.WriteEndObject();
        json.WriteNumber("output_tokens", usage.Made);
        json.WriteStartObject("output_tokens_details");
        json.WriteNumber("reasoning_tokens", thought);
        json.WriteEndObject();
        json.WriteNumber("total_tokens", (long)usage.Prompt + usage.Made);
        json.WriteEndObject();
    }
}
