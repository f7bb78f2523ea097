using System.CommandLine;
using System.Globalization;
using System.Text;

namespace Lemma.Cli.Parsing;

/// <summary>The options that say which data a run reads, and how they are chosen from.</summary>
internal sealed class DataOptions
{
    private readonly Option<string[]> data = new("--data")
    {
        HelpName = "FILE|FOLDER|GLOB",
        AllowMultipleArgumentsPerToken = true,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<double[]?> mix;
    private readonly Option<bool> deduplicate = Choice.Flag("--deduplicate", "Leave out what has the same texts as what was read before, apart from spaces");
    private readonly Option<double?> validation;
    private readonly Option<Encoding?> encoding = Choice.TextEncoding();

    /// <summary>Options of a command.</summary>
    /// <param name="forms">What files may hold.</param>
    /// <param name="unit">What the shares are of: examples, tokens.</param>
    /// <param name="validationShare">The usual share that is kept to judge by.</param>
    public DataOptions(string forms, string unit, double validationShare)
    {
        data.Description = forms;
        mix = Choice.Numbers("--mix", $"The weight of each --data in the {unit} that are read, in their order: --data a b --mix 3 1. What is short is read again");
        validation = Choice.Number("--validation", $"The share of the {unit}, at their end, that is kept for validation", least: double.Epsilon, below: 1,
            fallback: validationShare);
    }

    public Option<string[]> Data => data;

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[data, mix, deduplicate])
            command.Add(option);
    }

    public void AddRestTo(Command command)
    {
        command.Add(validation);
        command.Add(encoding);
    }

    public DataChoice Read(ParseResult parsed)
    {
        string[] sources = parsed.GetValue(data) ?? [];
        double[]? weights = parsed.GetValue(mix) is { Length: > 0 } given ? given : null;
        if (weights is not null && weights.Length != sources.Length)
            throw new UsageException($"--mix: each --data needs a weight, but there are {weights.Length} for {sources.Length}; "
                + "a glob is one source between quotation marks");
        return new DataChoice(sources, weights, parsed.GetValue(deduplicate), parsed.GetValue(validation)!.Value, parsed.GetValue(encoding));
    }
}

/// <summary>Which data a run reads.</summary>
/// <param name="Sources">Files, folders and globs; empty for the built-in source.</param>
/// <param name="Weights">The weight of each source; null where all is read once.</param>
/// <param name="IsDistinct">Whether what occurred before is left out.</param>
/// <param name="ValidationShare">The share that is kept to judge by.</param>
/// <param name="Encoding">The encoding of the files; null for UTF-8.</param>
internal sealed record DataChoice(string[] Sources, double[]? Weights, bool IsDistinct, double ValidationShare, Encoding? Encoding)
{
    /// <summary>The mixture in a line: "mixed: a 3, b 1".</summary>
    public string Mixture =>
        "mixed: " + string.Join(", ", Sources.Zip(Weights!, (source, weight) => string.Create(CultureInfo.InvariantCulture, $"{source} {weight}")));
}
