using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lemma.Formats;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Lemma.Cli.Parsing;

/// <summary>Options of a command in a file of YAML or JSON, under the flags' names without dashes.</summary>
internal static partial class OptionsFile
{
    /// <summary>What a run writes of itself.</summary>
    public const string Name = "options.yaml";

    public static Option<string?> NewOption() => Choice.Text("--options", "FILE", "Options in a file of YAML or JSON, named as they are here without dashes; what "
        + "stands on the line goes before them");

    /// <summary>The line with the options of the file that it names, each where the line has none of that name.</summary>
    public static ParseResult Apply(Command command, ParseResult parsed, Option<string?> option)
    {
        if (parsed.GetValue(option) is not { } file)
            return parsed;
        Dictionary<string, Option> known = command.Options.Where(one => one != option && one is not HelpOption).ToDictionary(one => one.Name[2..]);
        SortedDictionary<string, string[]> onLine = RunArguments.Given(parsed);
        List<string> arguments = [];
        Dictionary<Option, long> lines = [];
        foreach (Entry entry in Read(file))
        {
            if (!known.TryGetValue(entry.Name, out Option? flag))
                throw new UsageException($"{file}: line {entry.Line}: there is no option '{entry.Name}'; the nearest is "
                    + $"'{NearestName.Of(entry.Name, known.Keys)}'");
            if (!lines.TryAdd(flag, entry.Line))
                throw new UsageException($"{file}: line {entry.Line}: '{entry.Name}' stands in line {lines[flag]} already");
            if (!onLine.ContainsKey(flag.Name))
                arguments.AddRange(ArgumentsOf(file, entry, flag));
        }
        arguments.AddRange(onLine.SelectMany(given => ArgumentsOf(given.Key, given.Value)));
        ParseResult all = command.Parse(arguments);
        if (all.Errors is not [ParseError error, ..])
            return all;
        throw new UsageException(error.SymbolResult is OptionResult { Option: var wrong } && lines.TryGetValue(wrong, out long line)
            ? $"{file}: line {line}: {error.Message}" : error.Message);
    }

    /// <summary>Writes the options of a run into its folder, so that they can be given again.</summary>
    public static void Write(string folder, string command, SortedDictionary<string, string[]> given) =>
        AtomicFile.Write(Path.Combine(folder, Name), stream => stream.Write(Encoding.UTF8.GetBytes(ToYaml(command, given))));

    internal static string ToYaml(string command, SortedDictionary<string, string[]> given)
    {
        StringBuilder yaml = new($"# What this run was begun with: lemma {command} --options {Name} --out DIR begins it again.\n");
        foreach ((string name, string[] values) in given)
            yaml.Append($"{name[2..]}: {values switch { [] => "true", [var one] => Quoted(one), _ => $"[{string.Join(", ", values.Select(Quoted))}]" }}\n");
        return yaml.ToString();
    }

    private static IEnumerable<string> ArgumentsOf(string file, Entry entry, Option flag)
    {
        if (flag.ValueType != typeof(bool))
            return ArgumentsOf(flag.Name, entry.Values);
        return entry.Values is ["true" or "false"] ? entry.Values[0] == "true" ? [flag.Name] : []
            : throw new UsageException($"{file}: line {entry.Line}: '{entry.Name}' must be true or false");
    }

    private static IEnumerable<string> ArgumentsOf(string name, string[] values) => values.Length == 0 ? [name] : values.Select(value => $"{name}={value}");

    // A text that YAML could take for something else stands between quotation marks, as in JSON, which YAML reads too.
    private static string Quoted(string text) => PlainText().IsMatch(text) && text is not ("true" or "false" or "null") ? text
        : $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private static List<Entry> Read(string file)
    {
        if (!File.Exists(file))
            throw new UsageException($"--options: there is no file '{file}'");
        List<Entry> entries = [];
        try
        {
            using StreamReader reader = new(file, new UTF8Encoding(false, throwOnInvalidBytes: true));
            Parser parser = new(reader);
            parser.Consume<StreamStart>();
            if (!parser.TryConsume<DocumentStart>(out _))
                return entries;
            if (!parser.TryConsume<MappingStart>(out _))
                throw Wrong(file, parser, "names with values are needed");
            while (!parser.TryConsume<MappingEnd>(out _))
                entries.Add(ReadEntry(file, parser));
            parser.Consume<DocumentEnd>();
            if (!parser.TryConsume<StreamEnd>(out _))
                throw Wrong(file, parser, "a second document stands in it");
        }
        catch (YamlException error)
        {
            throw new InvalidDataException($"{file}: line {error.Start.Line}: {error.Message}", error);
        }
        catch (DecoderFallbackException error)
        {
            throw new InvalidDataException($"{file}: not UTF-8", error);
        }
        return entries;
    }

    private static Entry ReadEntry(string file, Parser parser)
    {
        Scalar name = parser.TryConsume<Scalar>(out Scalar? first) ? first : throw Wrong(file, parser, "the name of an option is needed");
        List<string> values = [];
        if (parser.TryConsume<SequenceStart>(out _))
        {
            while (!parser.TryConsume<SequenceEnd>(out _))
                values.Add(ReadValue(file, parser, name.Value));
        }
        else
            values.Add(ReadValue(file, parser, name.Value));
        return values.Count > 0 ? new Entry(name.Value, name.Start.Line, [.. values]) : throw Empty(file, name.Start.Line, name.Value);
    }

    private static string ReadValue(string file, Parser parser, string name)
    {
        Scalar value = parser.TryConsume<Scalar>(out Scalar? given) ? given
            : throw Wrong(file, parser, $"'{name}' must be a text, a number, true, false or a list of these");
        bool isNothing = value.Value.Length == 0 || (value.Style == ScalarStyle.Plain && value.Value is "null" or "~");
        return isNothing ? throw Empty(file, value.Start.Line, name) : value.Value;
    }

    private static UsageException Empty(string file, long line, string name) => new($"{file}: line {line}: '{name}' has no value");

    private static UsageException Wrong(string file, Parser parser, string rule) => new($"{file}: line {parser.Current?.Start.Line ?? 1}: {rule}");

    [GeneratedRegex(@"^[A-Za-z0-9_./][A-Za-z0-9_./+\-]*$")]
    private static partial Regex PlainText();

    private sealed record Entry(string Name, long Line, string[] Values);
}
