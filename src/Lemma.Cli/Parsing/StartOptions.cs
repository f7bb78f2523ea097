using System.CommandLine;
using Lemma.Training;

namespace Lemma.Cli.Parsing;

/// <summary>The options of how a run begins, and those of its loop: what every command that trains has.</summary>
internal sealed class StartOptions
{
    // What says where and by whom a run is made, not what it is.
    private static readonly string[] NotKept = ["--out", "--resume", "--force", "--threads", "--options", "--dry-run"];
    private readonly string name;
    private readonly Option<string?> output, file = OptionsFile.NewOption();
    private readonly Option<bool> resume = Choice.Flag("--resume", "Go on with the run in the folder, with its own options");
    private readonly Option<bool> force = Choice.Flag("--force", "Begin anew in a folder that holds a run");
    private readonly Option<bool> dry = Choice.Flag("--dry-run", "Say what the run would take (parameters, tokens, memory, time), and write nothing");
    private readonly Option<ulong?> seed = Choice.Seed();
    private readonly Option<int?> threads = Choice.Threads();
    private readonly RunOptions run;

    public StartOptions(string command, TrainingOptions defaults)
    {
        (name, run) = (command, new RunOptions(defaults));
        output = Choice.Text("--out", "DIR", $"The run's folder; runs/{command} without it");
    }

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[output, resume, force, file, dry])
            command.Add(option);
    }

    public void AddLoopTo(Command command) => run.AddTo(command);

    public void AddRestTo(Command command)
    {
        command.Add(seed);
        command.Add(threads);
    }

    /// <summary>What was given on the line and in a file; of a run that goes on, what it was begun with.</summary>
    public RunStart Read(Command command, ParseResult parsed)
    {
        parsed = OptionsFile.Apply(command, parsed, file);
        string folder = parsed.GetValue(output) ?? Path.Combine("runs", name);
        bool resumes = parsed.GetValue(resume), anew = parsed.GetValue(force), isDry = parsed.GetValue(dry);
        int? threadCount = parsed.GetValue(threads);
        if (isDry && resumes)
            throw new UsageException("--dry-run and --resume exclude each other");
        if (!isDry)
            RunFolder.Check(folder, resumes, anew);
        SortedDictionary<string, string[]> given = RunArguments.Given(parsed, NotKept);
        if (resumes)
            (parsed, given) = RunArguments.OfRun(command, folder, given);
        return new RunStart
        {
            Command = name,
            Folder = folder,
            Resumes = resumes,
            Anew = anew,
            IsDry = isDry,
            Threads = threadCount,
            Seed = parsed.GetValue(seed)!.Value,
            Given = given,
            Parsed = parsed,
        };
    }

    /// <summary>Whether the line says how the weights move.</summary>
    public bool SayRates(ParseResult parsed) => run.SayRates(parsed);

    /// <summary>How the loop trains.</summary>
    public TrainingOptions ReadLoop(RunStart start) => run.Read(start.Parsed, start.Seed);
}

/// <summary>A run as it was asked for: where it begins, and with what.</summary>
internal record RunStart
{
    public required string Command { get; init; }

    public required string Folder { get; init; }

    public required bool Resumes { get; init; }

    public required bool Anew { get; init; }

    /// <summary>Whether it is only planned.</summary>
    public required bool IsDry { get; init; }

    public required int? Threads { get; init; }

    public required ulong Seed { get; init; }

    /// <summary>The options that make the run what it is.</summary>
    public required SortedDictionary<string, string[]> Given { get; init; }

    /// <summary>For the options of the command itself.</summary>
    public required ParseResult Parsed { get; init; }

    /// <summary>The same as JSON, for checkpoints.</summary>
    public string Run => RunArguments.ToJson(Given);
}
