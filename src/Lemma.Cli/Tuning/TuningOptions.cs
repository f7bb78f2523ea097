using System.CommandLine;
using System.Globalization;
using Lemma.Checkpoints;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary>The options that every way of tuning a model has.</summary>
internal sealed class TuningOptions
{
    private readonly Option<string?> model = Choice.Text("--model", "DIR", "The model that is tuned: a folder, or a run");
    private readonly ExampleOptions examples;
    private readonly Option<bool> shorter = Choice.Flag("--short-stories", "The built-in stories are short ones: two people, two places, one thing");
    private readonly Option<double?>? lists;
    private readonly Option<string?> whenLong = Choice.Text("--when-long", "drop|cut|refuse", "What becomes of longer ones; they are counted");
    private readonly Option<int?> lora = Choice.Whole("--lora", "Train an adapter of this rank beside the model, which stays as it is");
    private readonly Option<double?> loraAlpha = Choice.Number("--lora-alpha", "What the adapter's part is multiplied with, over its rank; twice the rank "
        + "without it", least: double.Epsilon);
    private readonly Option<string?> loraTargets = Choice.Text("--lora-targets", "NAMES", "The matrices that get one, with commas, as PEFT names them; "
        + "all-linear without it");
    private readonly Option<bool> dora = Choice.Flag("--dora", "The adapter's rows have magnitudes of their own, which learn: DoRA");
    private readonly Option<double?> loraDropout = Choice.Number("--lora-dropout", "The probability to drop what the adapter reads", below: 1);

    /// <summary>The options of a command.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="defaults">What the loop does without them.</param>
    /// <param name="hasLists">Whether the built-in source may have lists too.</param>
    public TuningOptions(string command, TrainingOptions defaults, bool hasLists = false)
    {
        if (hasLists)
            lists = Choice.Number("--lists", "The share of the built-in examples that are lists of names to be said backwards, and not questions about stories",
                fallback: 0);
        examples = new ExampleOptions(command, defaults, "Files, folders or globs of .jsonl, .json and .parquet: messages, ShareGPT, Alpaca, prompt with "
            + "completion, chosen and rejected, or answer. Without it the built-in questions about stories", examples: 20000);
        whenLong.DefaultValueFactory = _ => "drop";
        whenLong.AcceptOnlyFromAmong("drop", "cut", "refuse");
    }

    public void AddTo(Command command, params ReadOnlySpan<Option> own)
    {
        command.Add(model);
        command.Add(shorter);
        if (lists is not null)
            command.Add(lists);
        examples.AddTo(command, [.. own]);
        command.Add(whenLong);
        examples.AddLoopTo(command);
        foreach (Option option in (Option[])[lora, loraAlpha, loraTargets, loraDropout, dora])
            command.Add(option);
        examples.AddRestTo(command);
    }

    /// <summary>What was given; of a run that goes on, what it was begun with.</summary>
    public TuningRequest Read(Command command, ParseResult parsed)
    {
        ExampleRequest request = examples.Read(command, parsed);
        parsed = request.Parsed;
        foreach (Option detail in (Option[])[loraAlpha, loraTargets, loraDropout, dora])
            Choice.RequireBeside(parsed, detail, lora);
        if (parsed.GetValue(shorter) && request.Data.Length > 0)
            throw new UsageException("--short-stories: it changes the built-in source, but --data is given");
        double share = lists is null ? 0 : parsed.GetValue(lists)!.Value;
        if (share > 0 && request.Data.Length > 0)
            throw new UsageException("--lists: it changes the built-in source, but --data is given");
        if (share > 1)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"--lists: a share is at most 1, but it is {share}"));
        return new TuningRequest(request)
        {
            Model = parsed.GetValue(model) ?? throw new UsageException("--model is needed: name a model's folder or a run, such as runs/quickstart"),
            Told = parsed.GetValue(shorter) ? StoryOptions.Short : null,
            ListShare = share,
            WhenLong = parsed.GetValue(whenLong) switch { "cut" => LongExample.Cut, "refuse" => LongExample.Refuse, _ => LongExample.Drop },
            Adapter = parsed.GetValue(lora) is { } rank ? new AdapterConfig
            {
                Rank = rank,
                Alpha = parsed.GetValue(loraAlpha) ?? 2 * rank,
                Targets = (parsed.GetValue(loraTargets) ?? "all-linear").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
                Dropout = (float)(parsed.GetValue(loraDropout) ?? 0),
                HasMagnitudes = parsed.GetValue(dora),
            } : null,
        };
    }
}

/// <summary>A tuning run as it was asked for.</summary>
internal sealed record TuningRequest : ExampleRequest
{
    [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
    public TuningRequest(ExampleRequest request) : base(request) { }

    public string Model { get; init; } = "";

    /// <summary>How the built-in stories are told; null for the usual way.</summary>
    public StoryOptions? Told { get; init; }

    /// <summary>The share of lists among the built-in examples.</summary>
    public double ListShare { get; init; }

    /// <summary>The built-in conversations.</summary>
    public ExampleSource<ChatExample> Instructions => WithLists(StoryTasks.Instructions(Seed, Told, questions: 4), ListTasks.Instructions(Seed));

    /// <summary>The built-in pairs of answers.</summary>
    public ExampleSource<PreferenceExample> Preferences => WithLists(StoryTasks.Preferences(Seed, Told), ListTasks.Preferences(Seed));

    /// <summary>The built-in questions whose answers are checked.</summary>
    public ExampleSource<VerifiableExample> Questions => WithLists(StoryTasks.Questions(Seed, Told), ListTasks.Questions(Seed));

    public LongExample WhenLong { get; init; }

    public AdapterConfig? Adapter { get; init; }

    private ExampleSource<T> WithLists<T>(ExampleSource<T> stories, ExampleSource<T> lists) where T : DataExample =>
        ListShare switch { 0 => stories, 1 => lists, _ => ExampleSource.Mix([(stories, 1 - ListShare), (lists, ListShare)], Seed) };
}
