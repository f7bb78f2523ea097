using System.Text.Encodings.Web;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language;

namespace Lemma.Cli.Display;

/// <summary>Continuations for another program: one JSON object a line.</summary>
internal static class CompletionJson
{
    public static void Write(LanguageModel model, string prompt, IReadOnlyList<Completion> made, TimeSpan time)
    {
        using Stream output = Console.OpenStandardOutput();
        foreach (Completion one in made)
        {
            using (Utf8JsonWriter json = new(output, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
                Write(json, model, prompt, one, time);
            output.WriteByte((byte)'\n');
        }
    }

    private static void Write(Utf8JsonWriter json, LanguageModel model, string prompt, Completion one, TimeSpan time)
    {
        json.WriteStartObject();
        json.WriteString("prompt", prompt);
        json.WriteString("text", one.Text);
        json.WriteStartArray("ids");
        foreach (int id in one.Ids)
            json.WriteNumberValue(id);
        json.WriteEndArray();
        json.WriteString("stop", one.Stop);
        if (one.Score is { } score)
            json.WriteNumber("score", score);
        if (one.Choices.Count > 0)
        {
            json.WriteStartArray("tokens");
            foreach (TokenChoice choice in one.Choices)
            {
                json.WriteStartObject();
                WriteToken(json, model, choice.Chosen);
                json.WriteStartArray("likeliest");
                foreach (TokenLogProbability likely in choice.Likeliest)
                {
                    json.WriteStartObject();
                    WriteToken(json, model, likely);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteNumber("seconds", Math.Round(time.TotalSeconds, 6));
        json.WriteEndObject();
    }

    private static void WriteToken(Utf8JsonWriter json, LanguageModel model, TokenLogProbability token)
    {
        json.WriteNumber("id", token.Id);
        json.WriteString("text", model.TextOf(token.Id));
        // An id that the model forbids has −∞, which JSON cannot say.
        if (double.IsFinite(token.LogProbability))
            json.WriteNumber("log_probability", token.LogProbability);
        else
            json.WriteNull("log_probability");
    }
}
