using System.Text.Json;
using Lemma.Formats;
using Lemma.Text.Models;
using Lemma.Text.Splitting;

namespace Lemma.Text.Files;

/// <summary>Mistral's tekken.json: the pattern of words, pieces in base 64 with their ranks, and special tokens before all of them.</summary>
internal static class TekkenFile
{
    private static readonly string[] UsualTokens = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
        "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]",
        "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"];

    /// <summary>Reads a tekken.json.</summary>
    public static Tokenizer Read(string path)
    {
        byte[] bytes = FileBytes.Read(path);
        try
        {
            using JsonDocument document = JsonText.Parse(bytes);
            return Read(new JsonPlace(document.RootElement));
        }
        catch (Exception error) when (error is InvalidDataException or ArgumentException)
        {
            throw new InvalidDataException($"{Path.GetFileName(path)}: {error.Message}", error);
        }
    }

    private static Tokenizer Read(JsonPlace root)
    {
        JsonPlace config = root["config"];
        int special = config["default_num_special_tokens"].IsNull ? 1000 : config["default_num_special_tokens"].Natural();
        int size = config["default_vocab_size"].Natural(), count = root["vocab"].Count();
        if (special > Vocabulary.MostIds(count) || size < special)
            throw config.Error($"must have a vocabulary of at least its special tokens, but has {size} and {special}");
        List<string> pieces = [];
        List<int> ids = [];
        foreach (JsonPlace item in root["vocab"].Items())
        {
            int rank = item["rank"].Natural();
            // Files have more pieces than the model's embedding has rows.
            if (rank >= size - special)
                continue;
            pieces.Add(Spelled(item["token_bytes"]));
            ids.Add(rank + special);
        }
        return TiktokenFile.Make(new Vocabulary([.. pieces], [.. ids]), PatternSplitter.OfRegex(config["pattern"].SomeText()), SpecialTokens(root, special));
    }

    private static string Spelled(JsonPlace place)
    {
        try
        {
            return ByteAlphabet.Spell(Convert.FromBase64String(place.SomeText()));
        }
        catch (FormatException error)
        {
            throw place.Error($"must be in base 64, but is not: {error.Message}");
        }
    }

    private static AddedToken[] SpecialTokens(JsonPlace root, int count)
    {
        AddedToken[] tokens = new AddedToken[count];
        for (int id = 0; id < count; id++)
            tokens[id] = new AddedToken(id, id < UsualTokens.Length ? UsualTokens[id] : $"<SPECIAL_{id}>");
        if (!root["special_tokens"].IsNull)
            foreach (JsonPlace item in root["special_tokens"].Items())
            {
                int rank = item["rank"].Natural();
                tokens[rank < count ? rank : throw item.Error($"must have a rank in 0 to {count - 1}, but has {rank}")] =
                    new AddedToken(rank, item["token_str"].SomeText());
            }
        return tokens;
    }
}
