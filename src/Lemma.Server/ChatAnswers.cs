using System.Text.Json;
using Lemma.Decoding.Constraints;
using Lemma.Language.Serving;
using Lemma.Language.Tools;
using Lemma.Server.Http;

namespace Lemma.Server;

/// <summary>Answers to conversations, as the APIs share them.</summary>
internal static class ChatAnswers
{
    /// <summary>Lets an engine answer; what the request asks for and cannot be is the client's error.</summary>
    /// <param name="call">The request.</param>
    /// <param name="engine">Who answers.</param>
    /// <param name="prompt">The conversation in ids.</param>
    /// <param name="answer">What the answer may be.</param>
    /// <param name="formatField">What the API calls the field of a format.</param>
    /// <param name="conversationField">What it calls that of the conversation.</param>
    public static AnswerRequest Begin(Call call, ServedEngine engine, int[] prompt, AnswerOptions answer,
        string formatField = "response_format", string conversationField = "messages")
    {
        string field = answer.Schema is not null || answer.IsJsonObject ? formatField : answer.Tools.Count > 0 ? "tools" : conversationField;
        try
        {
            AnswerRequest request = engine.Writer!.Answer(prompt, answer with { Adapter = engine.Adapter }, call.Cancellation);
            call.Spent = () => (long)request.Usage.Prompt + request.Usage.Made;
            return request;
        }
        catch (Exception error) when (error is GrammarException or ArgumentException)
        {
            throw new ApiException(400, $"Invalid '{field}': {error.Message}", field, "invalid_value");
        }
    }

    /// <summary>The arguments of a call as an object; those that the most tokens cut off are none.</summary>
    public static void WriteArguments(Utf8JsonWriter json, ToolCall call)
    {
        try
        {
            using JsonDocument arguments = JsonDocument.Parse(call.Arguments.Length == 0 ? "{}" : call.Arguments);
            arguments.RootElement.WriteTo(json);
        }
        catch (JsonException)
        {
            json.WriteStartObject();
            json.WriteEndObject();
        }
    }
}
