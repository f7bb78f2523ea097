using System.Text;
using System.Text.Json;
using Lemma.Formats;
using Lemma.Text.Files;

namespace Lemma.Text.Templates;

/// <summary>The templates of a model's folder by name, and its special tokens.</summary>
internal sealed class ChatTemplateFiles
{
    private const string Default = "default";

    private readonly Dictionary<string, string> templates = new(StringComparer.Ordinal);
    private readonly string name;

    private ChatTemplateFiles(string name) => this.name = name;

    /// <summary>The special tokens by name: bos_token, eos_token and so on.</summary>
    public Dictionary<string, string> SpecialTokens { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads tokenizer_config.json, special_tokens_map.json, chat_template.jinja and additional_chat_templates/*.jinja; a .jinja
    /// file stands for itself, and a GGUF file for its own templates and tokens.</summary>
    public static ChatTemplateFiles Read(string path)
    {
        ChatTemplateFiles files = new(Path.GetFileName(Path.TrimEndingDirectorySeparator(path)));
        if (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && File.Exists(path))
        {
            GgufTemplates.Read(path, files.templates, files.SpecialTokens);
            return files;
        }
        bool isFolder = Directory.Exists(path), isJson = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
        string folder = isFolder ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        string config = isJson ? path : Path.Combine(folder, "tokenizer_config.json");
        if (isJson || File.Exists(config))
            ReadJson(config, files.ReadConfig);
        // The configuration says more, and what it says goes before.
        string map = Path.Combine(folder, "special_tokens_map.json");
        if (File.Exists(map))
            ReadJson(map, files.ReadTokens);
        if (!isFolder && !isJson)
        {
            files.templates.Clear();
            files.templates[Default] = Text(path);
        }
        else if (isFolder && File.Exists(Path.Combine(folder, "chat_template.jinja")))
            files.templates[Default] = Text(Path.Combine(folder, "chat_template.jinja"));
        string more = Path.Combine(folder, "additional_chat_templates");
        if (isFolder && Directory.Exists(more))
            foreach (string file in Directory.EnumerateFiles(more, "*.jinja").Order(StringComparer.Ordinal))
                files.templates[Path.GetFileNameWithoutExtension(file)] = Text(file);
        return files;
    }

    public bool Has(string key) => templates.ContainsKey(key);

    /// <summary>A template.</summary>
    /// <exception cref="InvalidDataException">There is none of that name.</exception>
    public string Find(string key) =>
        templates.TryGetValue(key, out string? text) ? text : throw new InvalidDataException(templates.Count == 0
        ? $"{name}: there must be a chat template, in chat_template.jinja or tokenizer_config.json, but there is none"
        : $"{name}: there is no chat template '{key}', only {string.Join(", ", templates.Keys.Order(StringComparer.Ordinal))}");

    private static void ReadJson(string path, Action<JsonPlace> read)
    {
        byte[] bytes = FileBytes.Read(path);
        string file = Path.GetFileName(path);
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes.AsMemory(bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0));
            read(new JsonPlace(document.RootElement));
        }
        catch (JsonException error)
        {
            throw new InvalidDataException(
                $"{file}: the file must be JSON, but line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1} is not", error);
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{file}: {error.Message}", error);
        }
    }

    // Tokens by name, each a text or an object with its content; those of a model's own kind, such as image_token, in an inner object.
    private void ReadTokens(JsonPlace root)
    {
        foreach (JsonPlace member in root.Members())
        {
            string key = member.Name;
            JsonPlace value = root[key];
            if (key is "extra_special_tokens" or "model_specific_special_tokens" && value.Value.ValueKind == JsonValueKind.Object)
            {
                foreach (JsonPlace inner in value.Members())
                    AddToken(inner.Name, value[inner.Name]);
            }
            else if (key.EndsWith("_token", StringComparison.Ordinal))
                AddToken(key, value);
        }
    }

    private void AddToken(string key, JsonPlace value)
    {
        if (value.Value.ValueKind == JsonValueKind.String)
            SpecialTokens.TryAdd(key, value.Text());
        else if (value.Value.ValueKind == JsonValueKind.Object)
            SpecialTokens.TryAdd(key, value["content"].Text());
    }

    private void ReadConfig(JsonPlace root)
    {
        ReadTokens(root);
        JsonPlace template = root["chat_template"];
        if (template.Value.ValueKind == JsonValueKind.Array)
            foreach (JsonPlace item in template.Items())
                templates[item["name"].Text()] = item["template"].Text();
        else if (!template.IsNull)
            templates[Default] = template.Text();
    }

    private static string Text(string path)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(FileBytes.Read(path)).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException error)
        {
            throw new InvalidDataException($"{Path.GetFileName(path)}: the file must be UTF-8, but byte {error.Index} is not", error);
        }
    }
}
