using System.Text.Json;
using System.Text.RegularExpressions;
using Lemma.Formats;

namespace Lemma.Checkpoints;

/// <summary>What an adapter changes and how much, as PEFT's <c>adapter_config.json</c> says it.</summary>
public sealed record AdapterConfig
{
    private const RegexOptions Dialect = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;
    private const int MostRank = 1 << 16, MostPattern = 1000;

    // Fields that change nothing of what an adapted model computes; which modules have an adapter the file of tensors says.
    private static readonly HashSet<string> Harmless =
    [
        "auto_mapping", "base_model_name_or_path", "revision", "inference_mode", "task_type", "loftq_config", "eva_config", "corda_config",
        "megatron_config", "megatron_core", "peft_version", "runtime_config", "layers_to_transform", "layers_pattern", "exclude_modules", "fan_in_fan_out",
        "qalora_group_size", "lora_ga_config",
    ];

    /// <summary>The rank r of A and B.</summary>
    public required int Rank { get; init; }

    /// <summary>α: the change is scaled by α/r.</summary>
    public required double Alpha { get; init; }

    /// <summary>Whether the change is scaled by α/√r instead (rsLoRA).</summary>
    public bool DividesByRoot { get; init; }

    /// <summary>Whether rows of the changed matrices have magnitudes of their own (DoRA).</summary>
    public bool HasMagnitudes { get; init; }

    /// <summary>The probability to drop an element of a module's input before A, in training.</summary>
    public float Dropout { get; init; }

    /// <summary>The last parts of the names of modules that are changed, one regular expression of whole names, or <c>all-linear</c>.</summary>
    public required IReadOnlyList<string> Targets { get; init; }

    /// <summary>Whether <see cref="Targets"/> is one regular expression.</summary>
    public bool IsExpression { get; init; }

    /// <summary>Other ranks, by regular expressions of the ends of names.</summary>
    public IReadOnlyDictionary<string, int> Ranks { get; init; } = new Dictionary<string, int>();

    /// <summary>Other α, by regular expressions of the ends of names.</summary>
    public IReadOnlyDictionary<string, double> Alphas { get; init; } = new Dictionary<string, double>();

    /// <summary>The rank of a module.</summary>
    public int RankOf(string module) => Find(Ranks, module, Rank);

    /// <summary>What the change of a module is scaled by.</summary>
    public float ScaleOf(string module)
    {
        int rank = RankOf(module);
        return (float)(Find(Alphas, module, Alpha) / (DividesByRoot ? Math.Sqrt(rank) : rank));
    }

    // All linear layers but the head, whose name alone has no dot.
    internal bool IsEveryLinear => Targets is ["all-linear"];

    /// <summary>Whether a module is changed.</summary>
    public bool Chooses(string module) => IsEveryLinear ? module.Contains('.', StringComparison.Ordinal)
        : IsExpression ? Regex.IsMatch(module, $"^(?:{Targets[0]})$", Dialect)
        : Targets.Any(target => module == target || module.EndsWith("." + target, StringComparison.Ordinal));

    internal static AdapterConfig Read(string file)
    {
        JsonSettings settings = JsonSettings.Read(file);
        if (settings.Text("peft_type") is not "LORA")
            throw settings.Error($"\"peft_type\": '{settings.Text("peft_type")}' is not supported; supported is LORA");
        if (settings.Text("bias", "none") is string bias && bias != "none")
            throw settings.Error($"\"bias\": '{bias}' is not supported; supported is none");
        if (settings.Has("init_lora_weights") && settings.Raw("init_lora_weights") is not ("true" or "false" or "\"gaussian\"" or "\"eva\"" or "\"orthogonal\""))
            throw settings.Error($"\"init_lora_weights\": {settings.Raw("init_lora_weights")} is not supported, since it changes the model beside the adapter");
        if (settings.Texts("target_parameters") is [string stack, ..])
            throw settings.Error($"\"target_parameters\": '{stack}' is not supported: it changes a stack of matrices, and adapters are of modules of one matrix");
        AdapterConfig config = new()
        {
            Rank = settings.Integer("r", most: MostRank),
            Alpha = settings.Number("lora_alpha"),
            DividesByRoot = settings.Boolean("use_rslora", false),
            HasMagnitudes = settings.Boolean("use_dora", false),
            Dropout = settings.Single("lora_dropout", 0),
            IsExpression = settings.Has("target_modules") && settings.Raw("target_modules")[0] == '"',
            Targets = [],
            Ranks = Pattern(settings, "rank_pattern", static (section, name) => section.Integer(name, most: MostRank)),
            Alphas = Pattern(settings, "alpha_pattern", static (section, name) => section.Number(name)),
        };
        config = config with { Targets = config.IsExpression ? [settings.Text("target_modules")!] : settings.Texts("target_modules") };
        config = config with { IsExpression = config.IsExpression && !config.IsEveryLinear };
        foreach (double alpha in config.Alphas.Values.Append(config.Alpha).Where(alpha => !float.IsFinite((float)alpha)))
            throw settings.Error($"\"lora_alpha\" and those of \"alpha_pattern\" must be finite numbers of single precision, but one is {alpha}");
        if (config.Dropout is not (>= 0 and < 1))
            throw settings.Error($"\"lora_dropout\" must lie in [0, 1), but it is {config.Dropout}");
        settings.RefuseUnread(Harmless.Contains);
        foreach (string pattern in config.Ranks.Keys.Concat(config.Alphas.Keys).Concat(config.IsExpression ? config.Targets : []))
            CheckPattern(settings, pattern);
        return config;
    }

    internal void Write(Utf8JsonWriter json, bool isTransposed)
    {
        json.WriteStartObject();
        json.WriteString("peft_type", "LORA");
        json.WriteNumber("r", Rank);
        json.WriteNumber("lora_alpha", Alpha);
        json.WriteNumber("lora_dropout", Dropout);
        json.WriteBoolean("use_rslora", DividesByRoot);
        json.WriteBoolean("use_dora", HasMagnitudes);
        json.WriteBoolean("fan_in_fan_out", isTransposed);
        json.WriteString("bias", "none");
        json.WritePropertyName("target_modules");
        if (IsExpression || IsEveryLinear)
            json.WriteStringValue(Targets[0]);
        else
        {
            json.WriteStartArray();
            foreach (string target in Targets)
                json.WriteStringValue(target);
            json.WriteEndArray();
        }
        json.WriteStartObject("rank_pattern");
        foreach ((string pattern, int rank) in Ranks)
            json.WriteNumber(pattern, rank);
        json.WriteEndObject();
        json.WriteStartObject("alpha_pattern");
        foreach ((string pattern, double alpha) in Alphas)
            json.WriteNumber(pattern, alpha);
        json.WriteEndObject();
        json.WriteBoolean("inference_mode", true);
        json.WriteEndObject();
    }

    // The first pattern that fits, as PEFT finds it.
    private static T Find<T>(IReadOnlyDictionary<string, T> patterns, string module, T otherwise)
    {
        foreach ((string pattern, T value) in patterns)
        {
            if (Regex.IsMatch(module, $"^(.*\\.)?({pattern})$", Dialect))
                return value;
        }
        return otherwise;
    }

    private static Dictionary<string, T> Pattern<T>(JsonSettings settings, string name, Func<JsonSettings, string, T> read) =>
        settings.Section(name) is { } section ? section.Names.ToDictionary(pattern => pattern, pattern => read(section, pattern)) : [];

    private static void CheckPattern(JsonSettings settings, string pattern)
    {
        try
        {
            if (pattern.Length > MostPattern)
                throw settings.Error($"a pattern of names has {pattern.Length} characters, which are more than {MostPattern}");
            _ = new Regex($"^(.*\\.)?({pattern})$", Dialect);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw settings.Error($"the pattern of names '{pattern}' cannot be read: {e.Message}");
        }
    }
}
