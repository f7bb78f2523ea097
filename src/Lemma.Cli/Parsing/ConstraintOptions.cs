using System.CommandLine;
using Lemma.Decoding.Constraints;
using Lemma.Text;

namespace Lemma.Cli.Parsing;

/// <summary>What the text must match: an object of JSON, a schema, a grammar, a regular expression or one of some texts.</summary>
internal sealed class ConstraintOptions
{
    private const long MostBytes = 4_000_000;

    private readonly Option<bool> json = Choice.Flag("--json-object", "The text is a JSON object");
    private readonly Option<string?> schema = Choice.Text("--schema", "FILE", "The text is JSON of this JSON schema");
    private readonly Option<string?> grammar = Choice.Text("--grammar", "FILE", "The text matches this grammar in llama.cpp's language GBNF, from its rule root");
    private readonly Option<string?> regex = Choice.Text("--regex", "PATTERN", "The text matches this regular expression as a whole");
    private readonly Option<string?> choices = Choice.Text("--choices", "A,B", "The text is one of these, with commas between");

    private Option[] All => [json, schema, grammar, regex, choices];

    public void AddTo(Command command)
    {
        foreach (Option option in All)
            command.Add(option);
    }

    /// <summary>The constraint that is asked for; null for none.</summary>
    public Constraint? Read(ParseResult parsed, Tokenizer tokenizer)
    {
        Option[] given = [.. All.Where(option => Choice.IsGiven(parsed, option))];
        if (given.Length > 1)
            throw new UsageException($"{given[1].Name}: a text matches one thing, but {given[0].Name} is given too");
        Grammar? made = parsed.GetValue(json) ? Grammar.JsonObject()
            : parsed.GetValue(schema) is { } schemaFile ? Grammar.JsonSchema(ReadFile(schemaFile))
            : parsed.GetValue(grammar) is { } grammarFile ? Grammar.Gbnf(ReadFile(grammarFile))
            : parsed.GetValue(regex) is { } pattern ? Grammar.Regex(pattern)
            : parsed.GetValue(choices) is { } list ? Grammar.Choices(list.Split(',')) : null;
        return made is null ? null : new Constraint(made, tokenizer);
    }

    private static string ReadFile(string path)
    {
        long bytes = new FileInfo(path).Length;
        return bytes <= MostBytes ? File.ReadAllText(path) : throw new InvalidDataException($"'{path}' must have at most {MostBytes} bytes, but it has {bytes}");
    }
}
