using System.Text;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language;

namespace Lemma.Server.OpenAI;

/// <summary>Tokens and usage in OpenAI's words.</summary>
internal static class TokenJson
{
    // What OpenAI tells of a token that is out of the question.
    private const double Least = -9999;

    /// <summary>A chosen token beside the likeliest.</summary>
    public static void Write(Utf8JsonWriter json, LanguageModel model, TokenChoice choice)
    {
        json.WriteStartObject();
        WriteFields(json, model, choice.Chosen);
        json.WriteStartArray("top_logprobs");
        foreach (TokenLogProbability one in choice.Likeliest)
        {
            json.WriteStartObject();
            WriteFields(json, model, one);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>ln p as a number of JSON.</summary>
    public static double Finite(double logProbability) => double.IsFinite(logProbability) ? Math.Max(Least, logProbability) : Least;

    /// <summary>The bytes that an id adds; of a special token, those of its name.</summary>
    private static byte[] BytesOf(LanguageModel model, int id) => model.Tokenizer.IsSpecial(id)
        ? Encoding.UTF8.GetBytes(model.TextOf(id)) : model.Tokenizer.BytesOf(id);

    /// <summary>What a request took.</summary>
    public static void WriteUsage(Utf8JsonWriter json, BatchUsage usage, int thought = 0)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", usage.Prompt);
        json.WriteNumber("completion_tokens", usage.Made);
        json.WriteNumber("total_tokens", (long)usage.Prompt + usage.Made);
        json.WriteStartObject("prompt_tokens_details");
        json.WriteNumber("cached_tokens", usage.Cached);
        json.WriteNumber("audio_tokens", 0);
        json.WriteEndObject();
        json.WriteStartObject("completion_tokens_details");
        json.WriteNumber("reasoning_tokens", thought);
        json.WriteNumber("audio_tokens", 0);
        json.WriteNumber("accepted_prediction_tokens", usage.Right);
        json.WriteNumber("rejected_prediction_tokens", usage.Guessed - usage.Right);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>OpenAI's word for an end.</summary>
    public static string Reason(TextEnd end, bool calls = false) => end == TextEnd.Length ? "length" : calls ? "tool_calls" : "stop";

    private static void WriteFields(Utf8JsonWriter json, LanguageModel model, TokenLogProbability one)
    {
        json.WriteString("token", model.TextOf(one.Id));
        json.WriteNumber("logprob", Finite(one.LogProbability));
        json.WriteStartArray("bytes");
        foreach (byte value in BytesOf(model, one.Id))
            json.WriteNumberValue(value);
        json.WriteEndArray();
    }
}
