using System.Globalization;
using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Cli.Display;

namespace Lemma.Cli.Runs;

/// <summary>A run in a line: what it is, how far it came, and when it was begun.</summary>
internal sealed record RunSummary
{
    public required string Folder { get; init; }

    /// <summary>The command that made it, or for runs of earlier versions the recipe.</summary>
    public required string Kind { get; init; }

    /// <summary>The model's parameters; null where that is not known.</summary>
    public required long? Parameters { get; init; }

    /// <summary>Steps up to the last checkpoint.</summary>
    public required long Step { get; init; }

    public required (string Name, double Value, long Step)? Best { get; init; }

    /// <summary>Training tokens a second; null where that is not known.</summary>
    public required double? TokensPerSecond { get; init; }

    public required DateTime Began { get; init; }

    /// <summary>The options that were given: name and values.</summary>
    public required IReadOnlyDictionary<string, string> Options { get; init; }

    public required RunMetrics Metrics { get; init; }

    public static bool IsRun(string folder) => File.Exists(Path.Combine(folder, RunRecord.Name)) || File.Exists(Path.Combine(folder, "metrics.jsonl"))
        || TrainingState.Exists(Path.Combine(folder, "last"));

    /// <summary>The runs beneath a folder, in the ordinal order of their paths; a run has none beneath it.</summary>
    public static IEnumerable<string> Beneath(string folder)
    {
        if (IsRun(folder))
            return [folder];
        return Directory.EnumerateDirectories(folder).Where(inner => new DirectoryInfo(inner).LinkTarget is null).Order(StringComparer.Ordinal).SelectMany(Beneath);
    }

    public static RunSummary Read(string folder)
    {
        if (!IsRun(folder))
            throw new InvalidDataException($"'{folder}' is no run: " + (Directory.Exists(folder)
                ? $"it has neither {RunRecord.Name} nor metrics.jsonl nor a last checkpoint" : "there is no such folder"));
        string last = Path.Combine(folder, "last"), metricsFile = Path.Combine(folder, "metrics.jsonl");
        RunRecord? record = RunRecord.Read(folder);
        TrainingState? state = TrainingState.Exists(last) ? TrainingState.Read(last) : null;
        RunMetrics metrics = RunMetrics.Read(folder, "metrics.jsonl"), timings = RunMetrics.Read(folder, "timings.jsonl");
        double tokens = timings.Of("tokens").Sum(one => one.Value), seconds = timings.Of("seconds").Sum(one => one.Value);
        return new RunSummary
        {
            Folder = folder,
            Kind = record?.Command ?? state?.Recipe ?? "-",
            Parameters = record?.Parameters,
            Step = state?.Step ?? 0,
            Best = state is { BestScore: { } score, BestStep: { } step } ? (metrics.ScoreName ?? "score", score, step) : null,
            TokensPerSecond = tokens > 0 && seconds > 0 ? tokens / seconds : null,
            Began = record?.Began ?? File.GetLastWriteTimeUtc(File.Exists(metricsFile) ? metricsFile : folder),
            Options = OptionsOf(record?.Options ?? state?.Run ?? "{}"),
            Metrics = metrics,
        };
    }

    /// <summary>What stands in a table under "best score".</summary>
    public string BestText => Best is { } best ? $"{best.Name.Replace('_', ' ')} {ScoreText.Number(best.Value)} at {best.Step}" : "-";

    public string WhenText => Began.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteString("folder", Folder);
        json.WriteString("kind", Kind);
        if (Parameters is { } parameters)
            json.WriteNumber("parameters", parameters);
        json.WriteNumber("step", Step);
        if (Best is { } best)
        {
            json.WriteStartObject("best");
            json.WriteString("name", best.Name);
            json.WriteNumber("value", best.Value);
            json.WriteNumber("step", best.Step);
            json.WriteEndObject();
        }
        if (TokensPerSecond is { } speed)
            json.WriteNumber("tokens_per_second", speed);
        json.WriteString("began", Began.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
        json.WriteStartObject("options");
        foreach ((string name, string value) in Options)
            json.WriteString(name, value);
        json.WriteEndObject();
    }

    private static SortedDictionary<string, string> OptionsOf(string text)
    {
        SortedDictionary<string, string> options = new(StringComparer.Ordinal);
        foreach ((string name, string[] values) in Parsing.RunArguments.FromJson(text, RunRecord.Name))
            options.Add(name, values.Length == 0 ? "true" : string.Join(' ', values));
        return options;
    }
}
