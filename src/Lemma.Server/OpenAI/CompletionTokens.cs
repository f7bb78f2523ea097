using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Text;

namespace Lemma.Server.OpenAI;

/// <summary>The tokens of one text of <c>/v1/completions</c> with their log-probabilities, in the four lists of the older API.</summary>
/// <param name="length">Characters of the text before the first token: those of a prompt that is echoed.</param>
internal sealed class CompletionTokens(int length)
{
    private readonly List<Told> told = [];

    /// <summary>How many tokens there are.</summary>
    public int Count => told.Count;

    /// <summary>Forgets tokens that were sent; what comes goes on behind them.</summary>
    public void Clear() => told.Clear();

    /// <summary>Adds the tokens of an echoed prompt, of which the first has no log-probability.</summary>
    /// <param name="tokenizer">Whose ids they are.</param>
    /// <param name="ids">The prompt.</param>
    /// <param name="choices">What was told of all but the first.</param>
    public void AddPrompt(Tokenizer tokenizer, int[] ids, IReadOnlyList<TokenChoice> choices)
    {
        StreamingDecoder decoder = new(tokenizer);
        int[] ends = new int[ids.Length];
        for (int i = 0, end = 0; i < ids.Length; i++)
            ends[i] = end += decoder.Append(ids[i]).Length;
        // A text is echoed as it was sent, where its tokens may have a space before the first word.
        int before = Math.Max(0, ends[^1] + decoder.Finish().Length - length);
        for (int i = 0; i < ids.Length; i++)
            told.Add(new Told(ids[i], i == 0 ? null : choices[i - 1], i == 0 ? 0 : Math.Clamp(ends[i - 1] - before, 0, length)));
    }

    /// <summary>Adds what came.</summary>
    /// <param name="update">What came.</param>
    /// <param name="withEnding">Whether an id that ends the text is among the tokens.</param>
    public void Add(TextUpdate update, bool withEnding)
    {
        if (update.Choice is { } choice)
            told.Add(new Told(choice.Chosen.Id, choice, length));
        length += update.Text.Length;
        if (withEnding && update.Ending is { } ending)
            told.Add(new Told(ending.Chosen.Id, ending, length));
    }

    /// <summary>Writes the lists.</summary>
    public void Write(Utf8JsonWriter json, LanguageModel model)
    {
        json.WriteStartObject("logprobs");
        json.WriteStartArray("tokens");
        foreach (Told token in told)
            json.WriteStringValue(model.TextOf(token.Id));
        json.WriteEndArray();
        json.WriteStartArray("token_logprobs");
        foreach (Told token in told)
        {
            if (token.Choice is { } choice)
                json.WriteNumberValue(TokenJson.Finite(choice.Chosen.LogProbability));
            else
                json.WriteNullValue();
        }
        json.WriteEndArray();
        json.WriteStartArray("top_logprobs");
        foreach (Told token in told)
            WriteLikeliest(json, model, token.Choice);
        json.WriteEndArray();
        json.WriteStartArray("text_offset");
        foreach (Told token in told)
            json.WriteNumberValue(token.Offset);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteLikeliest(Utf8JsonWriter json, LanguageModel model, TokenChoice? choice)
    {
        if (choice is null)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartObject();
        // Ids may share a text; the likeliest one stands for it. The token itself is always among them.
        HashSet<string> names = [];
        foreach (TokenLogProbability one in choice.Likeliest.Append(choice.Chosen))
        {
            if (names.Add(model.TextOf(one.Id)))
                json.WriteNumber(model.TextOf(one.Id), TokenJson.Finite(one.LogProbability));
        }
        json.WriteEndObject();
    }

    private readonly record struct Told(int Id, TokenChoice? Choice, int Offset);
}
