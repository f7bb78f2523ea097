using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary>The options of every run that learns from examples in passes of whole ones.</summary>
internal sealed class ExampleOptions
{
    private readonly DataOptions data;
    private readonly StartOptions starting;
    private readonly Option<int?> examples;
    private readonly Option<int?> rows = Choice.Whole("--rows", "The most tokens of one pass, filled by whole examples", fallback: 2048);
    private readonly Option<int?> length;

    /// <summary>Options of a command.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="defaults">How it usually trains.</param>
    /// <param name="forms">What files may hold.</param>
    /// <param name="examples">How many examples of the built-in source it usually takes.</param>
    /// <param name="longest">The usual longest example; null for the model's longest sequence.</param>
    public ExampleOptions(string command, TrainingOptions defaults, string forms, int examples, int? longest = null)
    {
        (data, starting) = (new DataOptions(forms, "examples", 0.05), new StartOptions(command, defaults));
        this.examples = Choice.Whole("--examples", "Examples of the built-in source, where there is no --data", fallback: examples);
        length = Choice.Whole("--length", "The longest example in tokens" + (longest is null ? "; the model's longest sequence without it" : ""), least: 2,
            fallback: longest);
    }

    public void AddTo(Command command, params ReadOnlySpan<Option> own)
    {
        data.AddTo(command);
        command.Add(examples);
        starting.AddTo(command);
        foreach (Option option in (Option[])[.. own, rows, length])
            command.Add(option);
    }

    public void AddLoopTo(Command command) => starting.AddLoopTo(command);

    public void AddRestTo(Command command)
    {
        data.AddRestTo(command);
        starting.AddRestTo(command);
    }

    /// <summary>What was given; of a run that goes on, what it was begun with.</summary>
    public ExampleRequest Read(Command command, ParseResult parsed)
    {
        RunStart start = starting.Read(command, parsed);
        parsed = start.Parsed;
        if (Choice.IsGiven(parsed, examples) && Choice.IsGiven(parsed, data.Data))
            throw new UsageException("--examples: it counts those of the built-in source, but --data is given");
        return new ExampleRequest(start)
        {
            Choice = data.Read(parsed),
            Examples = parsed.GetValue(examples)!.Value,
            Rows = parsed.GetValue(rows)!.Value,
            Length = parsed.GetValue(length),
            Options = starting.ReadLoop(start),
        };
    }
}

/// <summary>A run on examples as it was asked for.</summary>
internal record ExampleRequest : RunStart
{
    [SetsRequiredMembers]
    public ExampleRequest(RunStart start) : base(start) { }

    public DataChoice Choice { get; init; } = new([], null, false, 0, null);

    /// <summary>Files, folders and globs; none for the built-in source.</summary>
    public string[] Data => Choice.Sources;

    public double ValidationShare => Choice.ValidationShare;

    public Encoding? Encoding => Choice.Encoding;

    /// <summary>Examples of the built-in source.</summary>
    public int Examples { get; init; }

    public int Rows { get; init; }

    public int? Length { get; init; }

    public TrainingOptions Options { get; init; } = new();

    /// <summary>The share of the examples to learn from that a plan is made with.</summary>
    public double ShareOfPlan { get; set; } = 1;

    /// <summary>What the data are, once they are read.</summary>
    public DataFingerprint Fingerprint { get; } = new();
}
