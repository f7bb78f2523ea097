using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using System.Text.Json;
using Lemma.Checkpoints;

namespace Lemma.Cli.Parsing;

/// <summary>The options a run was started with, as JSON in its checkpoint, so that a resumed run needs none of them again.</summary>
internal static class RunArguments
{
    /// <summary>Every option given on the command line but those named, in the ordinal order of their names, with its values.</summary>
    public static SortedDictionary<string, string[]> Given(ParseResult parsed, params ReadOnlySpan<string> without)
    {
        SortedDictionary<string, string[]> given = new(StringComparer.Ordinal);
        foreach (Option option in parsed.CommandResult.Command.Options)
        {
            if (!without.Contains(option.Name) && parsed.GetResult(option) is OptionResult { Implicit: false } result)
                given.Add(option.Name, [.. result.Tokens.Select(token => token.Value)]);
        }
        return given;
    }

    public static string ToJson(SortedDictionary<string, string[]> given)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            foreach ((string name, string[] values) in given)
            {
                json.WriteStartArray(name);
                foreach (string value in values)
                    json.WriteStringValue(value);
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    public static SortedDictionary<string, string[]> FromJson(string run, string file)
    {
        SortedDictionary<string, string[]> given = new(StringComparer.Ordinal);
        using JsonDocument json = JsonDocument.Parse(run);
        foreach (JsonProperty property in json.RootElement.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.Array
                || property.Value.EnumerateArray().Any(value => value.ValueKind != JsonValueKind.String))
                throw new InvalidDataException($"{file}: \"run\": '{property.Name}' is none of the options that a run keeps");
            given.Add(property.Name, [.. property.Value.EnumerateArray().Select(value => value.GetString()!)]);
        }
        return given;
    }

    /// <summary>The options that a run in a folder was begun with, parsed again; those given now must be among them.</summary>
    public static (ParseResult Parsed, SortedDictionary<string, string[]> Given) OfRun(Command command, string folder, SortedDictionary<string, string[]> now)
    {
        string last = Path.Combine(folder, "last");
        SortedDictionary<string, string[]> stored = FromJson(TrainingState.Read(last).Run, last);
        ParseResult parsed = command.Parse(Merge(stored, now));
        return parsed.Errors.Count == 0 ? (parsed, stored)
            : throw new InvalidDataException($"{last}: the run's options are not valid: {parsed.Errors[0].Message}");
    }

    /// <summary>The arguments that give a run its own options again; an option given now must not differ from them.</summary>
    public static List<string> Merge(SortedDictionary<string, string[]> stored, SortedDictionary<string, string[]> now)
    {
        foreach ((string name, string[] values) in now)
        {
            string[]? before = stored.GetValueOrDefault(name);
            if (before == null || !before.SequenceEqual(values))
                throw new UsageException($"--resume: the run was started {(before == null ? "without" : $"with {Show(name, before)},")} "
                    + $"{(before == null ? name : $"not {Show(name, values)}")}; it goes on with its own options");
        }
        return [.. stored.SelectMany(option => option.Value.Prepend(option.Key))];
    }

    private static string Show(string name, string[] values) => string.Join(' ', values.Prepend(name));
}
