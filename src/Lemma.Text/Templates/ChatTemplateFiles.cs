using System.Text;
using System.Text.Json;
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

    /// <summary>Reads tokenizer_config.json, chat_template.jinja and additional_chat_templates/*.jinja; a .jinja file stands for
    /// itself.</summary>
    public static ChatTemplateFiles Read(string path)
    {
        ChatTemplateFiles files = new(Path.GetFileName(Path.TrimEndingDirectorySeparator(path)));
        bool isFolder = Directory.Exists(path), isJson = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
        string folder = isFolder ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        string config = isJson ? path : Path.Combine(folder, "tokenizer_config.json");
        if (isJson || File.Exists(config))
            files.ReadConfig(config);
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

    private void ReadConfig(string path)
    {
        byte[] bytes = FileBytes.Read(path);
        string file = Path.GetFileName(path);
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes.AsMemory(bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0));
            ReadConfig(new JsonPlace(document.RootElement));
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

    private void ReadConfig(JsonPlace root)
    {
        foreach (JsonPlace member in root.Members())
        {
            string key = member.Name;
            JsonPlace value = root[key];
            if (key.EndsWith("_token", StringComparison.Ordinal) && value.Value.ValueKind == JsonValueKind.String)
                SpecialTokens[key] = value.Text();
            else if (key.EndsWith("_token", StringComparison.Ordinal) && value.Value.ValueKind == JsonValueKind.Object)
                SpecialTokens[key] = value["content"].Text();
        }
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
