using System.Globalization;
using System.Text.Json;

namespace Lemma.Checkpoints;

/// <summary>The ids that begin and end a text in a GGUF file: those that its values name, and, since many files name the end of a text and not that of a
/// turn, control tokens whose texts say what they are.</summary>
internal static class GgufEnds
{
    private const string Prefix = "tokenizer.ggml.";
    private const int Control = 3;

    // Ends of turns and texts of the families' chat models, by which llama.cpp stops as well.
    private static readonly HashSet<string> Ends = ["<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>", "<EOT>", "_<EOT>",
        "<|end_of_text|>", "<|eot|>", "<\uFF5Cend\u2581of\u2581sentence\uFF5C>", "<end_of_utterance>"];

    /// <summary>Writes <c>bos_token_id</c> and <c>eos_token_id</c>; null for none.</summary>
    public static void Write(Utf8JsonWriter json, GgufFacts facts)
    {
        if (Id(facts, "bos_token_id") is { } begin)
            json.WriteNumber("bos_token_id", begin);
        else
            json.WriteNull("bos_token_id");
        json.WriteStartArray("eos_token_id");
        foreach (long id in All(facts).Distinct())
            json.WriteNumberValue(id);
        json.WriteEndArray();
    }

    private static IEnumerable<long> All(GgufFacts facts)
    {
        foreach (string name in (string[])["eos_token_id", "eot_token_id", "eom_token_id"])
        {
            if (Id(facts, name) is { } id)
                yield return id;
        }
        if (facts.Values.GetValueOrDefault(Prefix + "tokens") is not string[] tokens || facts.Values.GetValueOrDefault(Prefix + "token_type") is not int[] kinds)
            yield break;
        for (int id = 0; id < Math.Min(tokens.Length, kinds.Length); id++)
        {
            if (kinds[id] == Control && Ends.Contains(tokens[id]))
                yield return id;
        }
    }

    private static long? Id(GgufFacts facts, string name) => facts.Values.GetValueOrDefault(Prefix + name) switch
    {
        null => null,
        byte or ushort or uint or int or long =>
            Convert.ToInt64(facts.Values[Prefix + name], CultureInfo.InvariantCulture) is >= 0 and <= int.MaxValue and var id ? id : null,
        object other => throw facts.Error($"the value {Prefix}{name} must be an id, but is {other}"),
    };
}
