using System.Globalization;
using System.Text.Json;
using Lemma.Data;
using Lemma.Formats;

namespace Lemma.Cli.Runs;

/// <summary>What a run is and where it was made, in the <c>run.json</c> of its folder: written when it begins, and again when it goes on.</summary>
/// <remarks>Times and machines stand here alone, so that the other files of equal runs are equal.</remarks>
internal sealed record RunRecord
{
    public const string Name = "run.json";
    private static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n" };

    /// <summary>The command that made it: train, sft.</summary>
    public required string Command { get; init; }

    /// <summary>The model's parameters.</summary>
    public required long Parameters { get; init; }

    /// <summary>How many of them, or of an adapter beside them, learn.</summary>
    public required long Trained { get; init; }

    /// <summary>How many examples the data have, and their fingerprint.</summary>
    public required (long Examples, string Hash) Data { get; init; }

    /// <summary>The options that were given, as JSON.</summary>
    public required string Options { get; init; }

    /// <summary>Each process that made a part of it, as JSON, the first one first.</summary>
    public required IReadOnlyList<string> Processes { get; init; }

    /// <summary>When it was begun.</summary>
    public required DateTime Began { get; init; }

    /// <summary>This process, as it stands in a record.</summary>
    public static string DescribeProcess(long step, int threads, DateTime now)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            json.WriteString("began", now.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
            json.WriteNumber("from_step", step);
            json.WriteString("lemma", MachineFacts.Version);
            json.WriteString("processor", MachineFacts.Processor);
            json.WriteNumber("processors", MachineFacts.Processors);
            json.WriteNumber("threads", threads);
            json.WriteNumber("vector_bits", MachineFacts.VectorBits);
            json.WriteString("system", MachineFacts.System);
            json.WriteString("runtime", MachineFacts.Runtime);
            json.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>Reads the record of a run's folder; null where there is none, as runs of earlier versions have none.</summary>
    public static RunRecord? Read(string folder)
    {
        string file = Path.Combine(folder, Name);
        if (!File.Exists(file))
            return null;
        try
        {
            using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(file));
            JsonElement root = json.RootElement, data = root.GetProperty("data");
            JsonElement[] processes = [.. root.GetProperty("processes").EnumerateArray()];
            return new RunRecord
            {
                Command = root.GetProperty("command").GetString()!,
                Parameters = root.GetProperty("parameters").GetInt64(),
                Trained = root.GetProperty("trained").GetInt64(),
                Data = (data.GetProperty("examples").GetInt64(), data.GetProperty("sha256").GetString()!),
                Options = root.GetProperty("options").GetRawText(),
                Processes = [.. processes.Select(process => process.GetRawText())],
                Began = processes[0].GetProperty("began").GetDateTime().ToUniversalTime(),
            };
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IndexOutOfRangeException)
        {
            throw new InvalidDataException($"{file}: it is no record that a run wrote: {error.Message}", error);
        }
    }

    /// <summary>Refuses to go on with other data than the run began with.</summary>
    public void RequireSame(DataFingerprint now, string folder)
    {
        if (Data.Hash != now.Hash)
            throw new InvalidDataException($"--resume: the data are not those that the run in '{folder}' began with: then {Data.Examples} examples with the "
                + $"fingerprint {Data.Hash[..12]}, now {now.Examples} with {now.Hash[..12]}; put the old ones back, or begin anew with --force");
    }

    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.Write(Path.Combine(folder, Name), stream =>
        {
            using (Utf8JsonWriter json = new(stream, Indented))
            {
                json.WriteStartObject();
                json.WriteString("command", Command);
                json.WriteNumber("parameters", Parameters);
                json.WriteNumber("trained", Trained);
                json.WriteStartObject("data");
                json.WriteNumber("examples", Data.Examples);
                json.WriteString("sha256", Data.Hash);
                json.WriteEndObject();
                json.WritePropertyName("options");
                WriteJson(json, Options);
                json.WriteStartArray("processes");
                foreach (string process in Processes)
                    WriteJson(json, process);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            stream.WriteByte((byte)'\n');
        });
    }

    // Written again, so that it is indented.
    private static void WriteJson(Utf8JsonWriter writer, string text)
    {
        using JsonDocument json = JsonDocument.Parse(text);
        json.RootElement.WriteTo(writer);
    }
}
