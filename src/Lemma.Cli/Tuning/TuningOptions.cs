using System.CommandLine;
using System.Text;
using Lemma.Checkpoints;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary>The options that every way of tuning a model has.</summary>
internal sealed class TuningOptions
{
    private readonly Option<string?> model = Choice.Text("--model", "DIR", "The model that is tuned: a folder, or a run");
    private readonly Option<string[]> data = new("--data")
    {
        Description = "Files, folders or globs of .jsonl, .json and .parquet: messages, ShareGPT, Alpaca, prompt with completion, chosen and rejected, or answer. "
            + "Without it the built-in questions about stories",
        HelpName = "FILE|FOLDER|GLOB",
        AllowMultipleArgumentsPerToken = true,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<int?> examples = Choice.Whole("--examples", "Examples of the built-in source, where there is no --data", fallback: 20000);
    private readonly Option<double?> validationShare = Choice.Number(
        "--validation", "The share of the examples, at their end, that is kept for validation", least: double.Epsilon, below: 1, fallback: 0.05);

    private readonly Option<string?> output;
    private readonly Option<bool> resume = Choice.Flag("--resume", "Go on with the run in the folder, with its own options");
    private readonly Option<bool> force = Choice.Flag("--force", "Begin anew in a folder that holds a run");
    private readonly Option<int?> rows = Choice.Whole("--rows", "The most tokens of one pass, filled by whole examples", fallback: 2048);
    private readonly Option<int?> length = Choice.Whole("--length", "The longest example in tokens; the model's longest sequence without it", least: 2);
    private readonly Option<string?> whenLong = Choice.Text("--when-long", "drop|cut|refuse", "What becomes of longer ones; they are counted");
    private readonly Option<int?> lora = Choice.Whole("--lora", "Train an adapter of this rank beside the model, which stays as it is");
    private readonly Option<double?> loraAlpha = Choice.Number("--lora-alpha", "What the adapter's part is multiplied with, over its rank; twice the rank "
        + "without it", least: double.Epsilon);
    private readonly Option<string?> loraTargets = Choice.Text("--lora-targets", "NAMES", "The matrices that get one, with commas, as PEFT names them; "
        + "all-linear without it");
    private readonly Option<bool> dora = Choice.Flag("--dora", "The adapter's rows have magnitudes of their own, which learn: DoRA");
    private readonly Option<double?> loraDropout = Choice.Number("--lora-dropout", "The probability to drop what the adapter reads", below: 1);
    private readonly Option<Encoding?> encoding = Choice.TextEncoding();
    private readonly Option<ulong?> seed = Choice.Seed();
    private readonly Option<int?> threads = Choice.Threads();
    private readonly RunOptions run;
    private readonly string command;

    public TuningOptions(string command, TrainingOptions defaults)
    {
        (this.command, run) = (command, new RunOptions(defaults));
        output = Choice.Text("--out", "DIR", $"The run's folder; runs/{command} without it");
        whenLong.DefaultValueFactory = _ => "drop";
        whenLong.AcceptOnlyFromAmong("drop", "cut", "refuse");
    }

    public void AddTo(Command command, params ReadOnlySpan<Option> own)
    {
        foreach (Option option in (Option[])[model, data, examples, output, resume, force, .. own, rows, length, whenLong])
            command.Add(option);
        run.AddTo(command);
        foreach (Option option in (Option[])[lora, loraAlpha, loraTargets, loraDropout, dora, validationShare, encoding, seed, threads])
            command.Add(option);
    }

    /// <summary>What was given; of a run that goes on, what it was begun with.</summary>
    public TuningRequest Read(Command command, ParseResult parsed)
    {
        string folder = parsed.GetValue(output) ?? Path.Combine("runs", this.command);
        bool resumes = parsed.GetValue(resume), anew = parsed.GetValue(force);
        int? threadCount = parsed.GetValue(threads);
        RunFolder.Check(folder, resumes, anew);
        SortedDictionary<string, string[]> given = RunArguments.Given(parsed, "--out", "--resume", "--force", "--threads");
        if (resumes)
            (parsed, given) = RunArguments.OfRun(command, folder, given);
        foreach (Option detail in (Option[])[loraAlpha, loraTargets, loraDropout, dora])
            Choice.RequireBeside(parsed, detail, lora);
        if (Choice.IsGiven(parsed, examples) && Choice.IsGiven(parsed, data))
            throw new UsageException("--examples: it counts those of the built-in source, but --data is given");
        ulong chosen = parsed.GetValue(seed)!.Value;
        return new TuningRequest
        {
            Model = parsed.GetValue(model) ?? throw new UsageException("--model is needed: name a model's folder or a run, such as runs/quickstart"),
            Data = parsed.GetValue(data) ?? [],
            Examples = parsed.GetValue(examples)!.Value,
            ValidationShare = parsed.GetValue(validationShare)!.Value,
            Folder = folder,
            Resumes = resumes,
            Anew = anew,
            Rows = parsed.GetValue(rows)!.Value,
            Length = parsed.GetValue(length),
            WhenLong = parsed.GetValue(whenLong) switch { "cut" => LongExample.Cut, "refuse" => LongExample.Refuse, _ => LongExample.Drop },
            Encoding = parsed.GetValue(encoding),
            Seed = chosen,
            Threads = threadCount,
            Options = run.Read(parsed, chosen),
            Adapter = parsed.GetValue(lora) is { } rank ? new AdapterConfig
            {
                Rank = rank,
                Alpha = parsed.GetValue(loraAlpha) ?? 2 * rank,
                Targets = (parsed.GetValue(loraTargets) ?? "all-linear").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
                Dropout = (float)(parsed.GetValue(loraDropout) ?? 0),
                HasMagnitudes = parsed.GetValue(dora),
            } : null,
            Run = RunArguments.ToJson(given),
            Parsed = parsed,
        };
    }
}

/// <summary>A run as it was asked for.</summary>
internal sealed record TuningRequest
{
    public required string Model { get; init; }

    public required string[] Data { get; init; }

    public required int Examples { get; init; }

    public required double ValidationShare { get; init; }

    public required string Folder { get; init; }

    public required bool Resumes { get; init; }

    public required bool Anew { get; init; }

    public required int Rows { get; init; }

    public int? Length { get; init; }

    public required LongExample WhenLong { get; init; }

    public Encoding? Encoding { get; init; }

    public required ulong Seed { get; init; }

    public int? Threads { get; init; }

    public required TrainingOptions Options { get; init; }

    public AdapterConfig? Adapter { get; init; }

    public required string Run { get; init; }

    /// <summary>For the options of the command itself.</summary>
    public required ParseResult Parsed { get; init; }
}
