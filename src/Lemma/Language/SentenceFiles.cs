using System.Text.Json;
using Lemma.Formats;

namespace Lemma.Language;

/// <summary>How texts become vectors, as a folder of sentence-transformers says it; of another folder, the mean of the last rows.</summary>
/// <param name="Model">The folder of the model itself.</param>
/// <param name="Modes">How rows are pooled.</param>
/// <param name="Width">The width of a row that the pooling expects; null for any.</param>
/// <param name="Normalizes">Whether vectors are scaled to length 1.</param>
internal sealed record SentenceFiles(string Model, IReadOnlyList<PoolingMode> Modes, int? Width = null, bool Normalizes = false)
{
    private const long MaximumBytes = 1_000_000;
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
    public IReadOnlyList<SentenceDense> Layers { get; init; } = [];

    /// <summary>What is put before every text.</summary>
    public string Prompt { get; init; } = "";

    /// <summary>Reads the files beside a model.</summary>
    /// <exception cref="InvalidDataException">They are broken, or ask for something that is not known.</exception>
    public static SentenceFiles Read(string path)
    {
        string folder = AtomicFolder.Resolve(path), list = Path.Combine(folder, "modules.json");
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
        string prompt = PromptOf(Path.Combine(folder, "config_sentence_transformers.json"));
        SentenceFiles files = ReadPooling(Path.Combine(modules[1].Folder, "config.json"), modules[0].Folder, prompt);
        return ReadLengths(files, Path.Combine(modules[0].Folder, "sentence_bert_config.json")) with
        {
            Normalizes = normalizes,
            Prompt = prompt,
            Layers = [.. dense.Select(module => SentenceDense.Read(module.Folder))],
        };
    }

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
