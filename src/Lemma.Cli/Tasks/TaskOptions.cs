using System.CommandLine;
using System.Text;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Evaluation.Tasks;

namespace Lemma.Cli.Tasks;

/// <summary>The options of <c>lemma eval</c> that say which task it is.</summary>
internal sealed class TaskOptions
{
    private const int BuiltInCount = 200;
    private readonly Option<string?> task = Choice.Text("--task", "FILE|NAME", $"A file of items, or a built-in task: {string.Join(", ", BuiltInTasks.Names)}");
    private readonly Option<int?> shots = Choice.Whole("--shots",
        "Examples before each item: the first of --shots-file, or of the task's own file, which are then not judged", least: 0, fallback: 0);
    private readonly Option<string?> shotsFile = Choice.Text("--shots-file", "FILE", "Where examples come from; one for each --shots");
    private readonly Option<int?> items = Choice.Whole("--items",
        $"How many items are judged, the first ones; all of a file, {BuiltInCount} of a built-in task without it");
    private readonly Option<int?> tokens = Choice.Whole("--tokens", "The most tokens of a written answer; 32 without it, 256 with examples of several lines");
    private readonly Option<string?> judge = Choice.Text("--judge", "DIR", "A reward model: the share of items in which it likes A's answer better than B's");
    private readonly Option<bool> shorter = Choice.Flag("--short-stories", "The built-in stories are short ones: two people, two places, one thing");
    private readonly Option<ulong?> seed = Choice.Seed();

    public void AddTo(Command command)
    {
        foreach (Option option in (ReadOnlySpan<Option>)[task, shots, shotsFile, items, tokens, judge, shorter, seed])
            command.Add(option);
    }

    public bool IsGiven(ParseResult parsed) => Choice.IsGiven(parsed, task);

    public int? AnswerTokens(ParseResult parsed) => parsed.GetValue(tokens);

    /// <summary>The reward model's folder; it judges two models that write answers.</summary>
    public string? Judge(ParseResult parsed, int models) => parsed.GetValue(judge) is not { } path ? null
        : models == 2 ? path : throw new UsageException("--judge: it compares two models, but one is given");

    public ulong Seed(ParseResult parsed) => parsed.GetValue(seed)!.Value;

    /// <summary>Refuses what belongs to a task where there is none; the seed is that of a comparison too.</summary>
    public void RequireNone(ParseResult parsed, bool withSeed)
    {
        foreach (Option option in (ReadOnlySpan<Option>)[shots, shotsFile, items, tokens, judge, shorter])
            Choice.RequireBeside(parsed, option, task);
        if (!withSeed)
            Choice.RequireBeside(parsed, seed, task);
    }

    public EvaluationTask Make(ParseResult parsed, Encoding? encoding)
    {
        string name = parsed.GetValue(task)!;
        (int examples, int? most, string? from) = (parsed.GetValue(shots)!.Value, parsed.GetValue(items), parsed.GetValue(shotsFile));
        if (from is not null && examples == 0)
            throw new UsageException("--shots-file: it says where examples come from, but --shots gives none");
        if (BuiltInTasks.Names.Contains(name))
        {
            if (from is not null)
                throw new UsageException($"--shots-file: '{name}' is a built-in task with examples of its own");
            return BuiltInTasks.Make(name, most ?? BuiltInCount, examples, Seed(parsed), Choice.IsGiven(parsed, shorter) ? StoryOptions.Short : null);
        }
        if (Choice.IsGiven(parsed, shorter))
            throw new UsageException("--short-stories: it changes the built-in tasks, but --task is a file");
        if (!File.Exists(name))
            throw new FileNotFoundException($"there is no file '{name}', and a built-in task is one of {string.Join(", ", BuiltInTasks.Names)}");
        return EvaluationTask.Of(name, TaskFile.Read(name, encoding), examples, from is null ? null : TaskFile.Read(from, encoding), most);
    }
}
