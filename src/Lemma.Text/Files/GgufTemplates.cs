using Lemma.Formats;

namespace Lemma.Text.Files;

/// <summary>The chat templates of a GGUF file by name, and the special tokens that they see.</summary>
internal static class GgufTemplates
{
    private const string Template = "tokenizer.chat_template", Prefix = "tokenizer.ggml.", Default = "default";
    private static readonly (string Id, string Name)[] Tokens = [("bos_token_id", "bos_token"), ("eos_token_id", "eos_token"), ("unknown_token_id", "unk_token"),
        ("padding_token_id", "pad_token"), ("seperator_token_id", "sep_token"), ("cls_token_id", "cls_token"), ("mask_token_id", "mask_token")];

    /// <summary>Reads them; the weights are not touched.</summary>
    public static void Read(string path, Dictionary<string, string> templates, Dictionary<string, string> specialTokens)
    {
        try
        {
            using MappedFile file = MappedFile.Open(path);
            Dictionary<string, object> values = GgufMetadata.Read(file);
            foreach ((string name, object value) in values.Where(pair => pair.Key.StartsWith(Template, StringComparison.Ordinal)))
            {
                if (name == Template || name[Template.Length] == '.')
                    templates[name == Template ? Default : name[(Template.Length + 1)..]] = value as string
                        ?? throw new InvalidDataException($"{name} must be a text, but is not");
            }
            if (values.GetValueOrDefault(Prefix + "tokens") is not string[] pieces)
                return;
            foreach ((string id, string name) in Tokens)
            {
                if (values.GetValueOrDefault(Prefix + id) is uint number && number < pieces.Length)
                    specialTokens[name] = pieces[number];
            }
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{Path.GetFileName(path)}: {error.Message}", error);
        }
    }
}
