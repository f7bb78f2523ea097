using System.Text.Json;

namespace Lemma.Cli.Runs;

/// <summary>The numbers of a run's steps, as they stand in its metrics.jsonl and timings.jsonl.</summary>
internal sealed class RunMetrics
{
    private readonly List<(long Step, List<(string Name, double Value)> Values)> lines;

    private RunMetrics(List<(long, List<(string, double)>)> lines) => this.lines = lines;

    /// <summary>The names that occur, in the order in which they first do.</summary>
    public IReadOnlyList<string> Names => [.. lines.SelectMany(line => line.Values).Select(value => value.Name).Distinct()];

    /// <summary>Reads a file; one that is not there has no lines, and the end of one that is being written is left out.</summary>
    public static RunMetrics Read(string folder, string name)
    {
        string file = Path.Combine(folder, name);
        List<(long, List<(string, double)>)> lines = [];
        if (!File.Exists(file))
            return new RunMetrics(lines);
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using StreamReader reader = new(stream);
        string text = reader.ReadToEnd();
        foreach (string line in text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries))
            lines.Add(ReadLine(line, $"{file}: line {lines.Count + 1}"));
        return new RunMetrics(lines);
    }

    /// <summary>The values of a name by their steps.</summary>
    public List<(long Step, double Value)> Of(string name) =>
        [.. from line in lines from value in line.Values where value.Name == name select (line.Step, value.Value)];

    /// <summary>The name of the score that the run is judged by, which is the first number of an evaluation; null before the first one.</summary>
    public string? ScoreName => lines.Select(line => line.Values).FirstOrDefault(values => values.Count > 0 && values[0].Name != "loss") is { } first
        ? first[0].Name : null;

    private static (long Step, List<(string, double)> Values) ReadLine(string line, string place)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            long step = json.RootElement.GetProperty("step").GetInt64();
            return (step, [.. json.RootElement.EnumerateObject().Where(one => one.Name != "step")
                .Select(one => (one.Name, one.Value.ValueKind == JsonValueKind.Null ? double.NaN : one.Value.GetDouble()))]);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{place} is none that a run wrote", error);
        }
    }
}
