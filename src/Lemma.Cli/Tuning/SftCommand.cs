using System.CommandLine;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary><c>lemma sft</c>: a model learns to answer from conversations.</summary>
internal sealed class SftCommand
{
    private readonly TuningOptions tuning = new("sft", new TrainingOptions
    {
        Steps = 400,
        LearningRate = 1e-3,
        Schedule = new CosineSchedule { Warmup = 20 },
        EvaluateEvery = 100,
    }, hasLists: true);

    private readonly Option<string?> counted = Choice.Text("--loss-on", "answers|last|all", "What is to be predicted: what the assistant says, its last turn "
        + "alone, or everything");
    private readonly Option<bool> prefix = Choice.Flag("--prefix", "The prompt sees all of itself, as in a prefix-LM");
    private readonly Option<double?> replay = Choice.Number("--replay", "The share of the examples that are whole texts, so that what the model could do before "
        + "stays: built-in stories, or --replay-data", fallback: 0, below: 1);
    private readonly Option<string[]> replayData = new("--replay-data")
    {
        Description = "Files, folders or globs of the texts of --replay",
        HelpName = "FILE|FOLDER|GLOB",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Command command = new("sft", "Tune a model on conversations: supervised fine-tuning.");

    public static Command Build() => new SftCommand().Create();

    private Command Create()
    {
        counted.DefaultValueFactory = _ => "answers";
        counted.AcceptOnlyFromAmong("answers", "last", "all");
        tuning.AddTo(command, counted, prefix, replay, replayData);
        Examples.Add(command,
            ("the quickstart's model learns to answer questions about its stories", "lemma sft --model runs/quickstart"),
            ("conversations of your own", "lemma sft --model runs/quickstart --data chats.jsonl --out runs/chats"),
            ("an adapter of rank 16, on Alpaca's form", "lemma sft --model my-model --data instructions.json --lora 16 --learning-rate 2e-4"),
            ("a fifth of stories among the built-in questions, so that it still tells them", "lemma sft --model runs/quickstart --replay 0.2"),
            ("go on after an interruption", "lemma sft --resume"));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        TuningRequest request = tuning.Read(command, parsed);
        using TunedModel model = new(request);
        ConversationEncoder encoder = model.NewEncoder(request.Parsed.GetValue(counted) switch
        {
            "last" => CountedTokens.LastAnswer,
            "all" => CountedTokens.All,
            _ => CountedTokens.Answers,
        });
        (List<TokenExample> training, List<TokenExample> validation) = TuningData.Read(request, request.Instructions,
            encoder.Encode);
        AddReplayed(request, model, training);
        Decoder decoder = model.Begin();
        SupervisedTuning recipe = new(decoder, training, validation, new SupervisedTuningOptions
        {
            RowsOfPass = request.Rows,
            SeesPrompt = request.Parsed.GetValue(prefix),
            Seed = request.Seed,
        });
        return TuningRun.Run("sft", request, model, recipe);
    }

    private void AddReplayed(TuningRequest request, TunedModel model, List<TokenExample> training)
    {
        double share = request.Parsed.GetValue(replay)!.Value;
        string[] files = request.Parsed.GetValue(replayData) ?? [];
        if (files.Length > 0 && share == 0)
            throw new UsageException("--replay-data: --replay says which share of the examples its texts are, but it is 0");
        if (files.Length == 0 && share > 0 && request.Data.Length > 0)
            throw new UsageException("--replay: the texts that the model knows are needed: name them by --replay-data");
        int wanted = (int)(training.Count * share / (1 - share)), most = Math.Min(request.Length ?? int.MaxValue, model.Base.MaximumLength);
        DataReport report = new();
        IEnumerable<TextDocument> texts = files.Length == 0 ? StoryTasks.Texts(request.Seed, request.Told).Range(0, wanted)
            : ExampleFiles.Read<TextDocument>(files, report, request.Encoding);
        int before = training.Count;
        foreach (TextDocument text in request.Fingerprint.Through(texts))
        {
            if (training.Count - before >= wanted)
                break;
            training.AddRange(TuningData.Whole(model, text.Text, most).Take(wanted - (training.Count - before)));
        }
        if (share > 0)
            Console.WriteLine(training.Count - before == wanted ? $"{wanted} whole texts among them"
                : throw new UsageException($"--replay-data: {wanted} pieces of text are wanted, but there are {training.Count - before}; {report.Summary}"));
    }
}
