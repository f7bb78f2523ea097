using System.Text.Json;
using Lemma.Language.Views;

namespace Lemma.Cli.Display;

/// <summary>Tokens in JSON.</summary>
internal static class TokenLists
{
    /// <summary>The ids of a text and their texts.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<int> ids, IReadOnlyList<string> tokens)
    {
        json.WriteStartArray("ids");
        foreach (int id in ids)
            json.WriteNumberValue(id);
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        foreach (string token in tokens)
            json.WriteStringValue(token);
        json.WriteEndArray();
    }

    /// <summary>Guesses, the likeliest first.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<TokenGuess> guesses)
    {
        json.WriteStartArray();
        foreach (TokenGuess guess in guesses)
        {
            json.WriteStartObject();
            json.WriteNumber("id", guess.Id);
            json.WriteString("token", guess.Text);
            json.WriteNumber("probability", guess.Probability);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
