using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Text.Normalization;

namespace Lemma.Language.Sentences;

/// <summary>How texts become vectors, as a folder of sentence-transformers says it; of another folder, the mean of the last rows.</summary>
/// <param name="Model">The folder of the model itself.</param>
/// <param name="Modes">How rows are pooled.</param>
/// <param name="Width">The width of a row that the pooling expects; null for any.</param>
/// <param name="Normalizes">Whether vectors are scaled to length 1.</param>
public sealed record SentenceFiles(string Model, IReadOnlyList<PoolingMode> Modes, int? Width = null, bool Normalizes = false)
{
    private const long MaximumBytes = 1_000_000;
    private const string List = "modules.json", PoolingFolder = "1_Pooling", Config = "config.json", Lengths = "sentence_bert_config.json";
    private const string Prompts = "config_sentence_transformers.json", Package = "sentence_transformers.models.";
    private const string Transformer = "Transformer", Pooling = "Pooling", Dense = "Dense", Normalize = "Normalize";
    private static readonly string[] Kinds = [Transformer, Pooling, Dense, Normalize];
    private static readonly (string Field, string Name, PoolingMode Mode)[] Fields =
    [
        ("pooling_mode_cls_token", "cls", PoolingMode.First),
        ("pooling_mode_max_tokens", "max", PoolingMode.Maximum),
        ("pooling_mode_mean_tokens", "mean", PoolingMode.Mean),
        ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", PoolingMode.MeanByRoot),
        ("pooling_mode_weightedmean_tokens", "weightedmean", PoolingMode.WeightedMean),
        ("pooling_mode_lasttoken", "lasttoken", PoolingMode.Last),
    ];

    /// <summary>The most tokens that are read of a text; null for as many as the model reads.</summary>
    public int? MaximumLength { get; init; }

    /// <summary>Whether texts are turned to lower case before the tokenizer reads them.</summary>
    public bool LowersCase { get; init; }

    /// <summary>What pooled vectors go through, in this order.</summary>
    internal IReadOnlyList<SentenceDense> Layers { get; init; } = [];

    /// <summary>Whether vectors go through further layers.</summary>
    public bool HasLayers => Layers.Count > 0;

    /// <summary>What is put before every text.</summary>
    public string Prompt { get; init; } = "";

    // Of modules.json.
    private string? Folder { get; init; }

    /// <summary>Reads the files beside a model.</summary>
    /// <exception cref="InvalidDataException">They are broken, or ask for something that is not known.</exception>
    public static SentenceFiles Read(string path)
    {
        string folder = AtomicFolder.Resolve(path), list = Path.Combine(folder, List);
        if (!File.Exists(list))
            return new SentenceFiles(path, [PoolingMode.Mean]);
        using JsonDocument document = JsonText.Read(list, MaximumBytes);
        JsonPlace root = new(document.RootElement, list);
        (string Kind, string Folder)[] modules = [.. root.Items().Select(module => (KindOf(module["type"]), FolderOf(folder, module["path"])))];
        bool normalizes = modules.Length > 0 && modules[^1].Kind == Normalize;
        (string Kind, string Folder)[] dense = [.. modules.Skip(2).SkipLast(normalizes ? 1 : 0)];
        if (!modules.Take(2).Select(module => module.Kind).SequenceEqual([Transformer, Pooling]) || dense.Any(module => module.Kind != Dense))
        {
            throw root.Error($"must list {Transformer}, {Pooling}, any number of {Dense}, and {Normalize} or not, in this order, but lists "
                + string.Join(", ", modules.Select(module => module.Kind)));
        }
        string prompt = PromptOf(Path.Combine(folder, Prompts));
        SentenceFiles files = ReadPooling(Path.Combine(modules[1].Folder, Config), modules[0].Folder, prompt);
        return ReadLengths(files, Path.Combine(modules[0].Folder, Lengths)) with
        {
            Folder = folder,
            Normalizes = normalizes,
            Prompt = prompt,
            Layers = [.. dense.Select(module => SentenceDense.Read(module.Folder))],
        };
    }

    /// <summary>A text as the tokenizer is to read it.</summary>
    public string Prepare(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = Prompt + text;
        return LowersCase ? new LowercaseNormalizer().Normalize(text) : text;
    }

    /// <summary>Writes the files beside a model into its folder.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="width">The width of the model's rows.</param>
    public void WriteInto(string folder, int width)
    {
        Require.That(!HasLayers, $"sentence files: Dense modules are not written, but there are {Layers.Count}");
        string[] modules = [Transformer, Pooling, .. Normalizes ? [Normalize] : Array.Empty<string>()];
        Write(Path.Combine(folder, List), json =>
        {
            json.WriteStartArray();
            for (int i = 0; i < modules.Length; i++)
            {
                json.WriteStartObject();
                json.WriteNumber("idx", i);
                json.WriteString("name", $"{i}");
                json.WriteString("path", modules[i] == Transformer ? "" : $"{i}_{modules[i]}");
                json.WriteString("type", Package + modules[i]);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
        Directory.CreateDirectory(Path.Combine(folder, PoolingFolder));
        Write(Path.Combine(folder, PoolingFolder, Config), json =>
        {
            json.WriteStartObject();
            json.WriteNumber("word_embedding_dimension", width);
            foreach ((string field, _, PoolingMode mode) in Fields)
                json.WriteBoolean(field, Modes.Contains(mode));
            json.WriteBoolean("include_prompt", true);
            json.WriteEndObject();
        });
        if (MaximumLength is not null || LowersCase)
        {
            Write(Path.Combine(folder, Lengths), json =>
            {
                json.WriteStartObject();
                if (MaximumLength is { } length)
                    json.WriteNumber("max_seq_length", length);
                json.WriteBoolean("do_lower_case", LowersCase);
                json.WriteEndObject();
            });
        }
        if (Folder is not null && File.Exists(Path.Combine(Folder, Prompts)))
            AtomicFile.Write(Path.Combine(folder, Prompts), stream => stream.Write(File.ReadAllBytes(Path.Combine(Folder, Prompts))));
    }

    private static void Write(string file, Action<Utf8JsonWriter> fill) => AtomicFile.Write(file, stream =>
    {
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
            fill(json);
        stream.WriteByte((byte)'\n');
    });

    private static SentenceFiles ReadPooling(string file, string model, string prompt)
    {
        JsonSettings settings = JsonSettings.Read(file);
        string? named = settings.Text("pooling_mode");
        // As sentence-transformers: the mean unless it is said otherwise, and one name stands for all fields.
        PoolingMode[] modes = [.. Fields.Where(field => settings.Boolean(field.Field, fallback: field.Mode == PoolingMode.Mean) && named is null)
            .Select(field => field.Mode)];
        if (named is not null)
        {
            modes = [.. Fields.Where(field => field.Name == named).Select(field => field.Mode)];
            if (modes.Length == 0)
                throw settings.Error($"\"pooling_mode\": '{named}' is not one of {string.Join(", ", Fields.Select(field => field.Name))}");
        }
        int width = settings.Integer("word_embedding_dimension");
        bool readsPrompt = settings.Boolean("include_prompt", fallback: true);
        settings.RefuseUnread();
        if (modes.Length == 0)
            throw settings.Error($"one of {string.Join(", ", Fields.Select(field => field.Field))} must be true");
        if (!readsPrompt && prompt.Length > 0)
            throw settings.Error("\"include_prompt\": false is not supported where texts have a prompt by default");
        return new SentenceFiles(model, modes, width);
    }

    private static SentenceFiles ReadLengths(SentenceFiles files, string file)
    {
        if (!File.Exists(file))
            return files;
        JsonSettings settings = JsonSettings.Read(file);
        files = files with
        {
            MaximumLength = settings.Has("max_seq_length") ? settings.Integer("max_seq_length") : null,
            LowersCase = settings.Boolean("do_lower_case", fallback: false),
        };
        settings.RefuseUnread();
        return files;
    }

    private static string PromptOf(string file)
    {
        if (!File.Exists(file))
            return "";
        JsonSettings settings = JsonSettings.Read(file);
        if (settings.Text("default_prompt_name") is not { } name)
            return "";
        return settings.Section("prompts")?.Text(name) ?? throw settings.Error($"\"default_prompt_name\": there is no prompt '{name}'");
    }

    private static string KindOf(JsonPlace type)
    {
        string name = type.Text(), kind = name[(name.LastIndexOf('.') + 1)..];
        return name.StartsWith("sentence_transformers.", StringComparison.Ordinal) && Kinds.Contains(kind) ? kind : throw type.Unknown("module", name);
    }

    // A name of a folder beside the list, and no way out of it.
    private static string FolderOf(string folder, JsonPlace path)
    {
        string name = path.Text();
        return name is not ("." or "..") && name.AsSpan().IndexOfAny(['/', '\\', ':', '\0']) < 0 ? Path.Combine(folder, name)
            : throw path.Error("must be the name of a folder beside the file, or empty");
    }
}
