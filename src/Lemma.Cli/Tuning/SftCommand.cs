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
    });

    private readonly Option<string?> counted = Choice.Text("--loss-on", "answers|last|all", "What is to be predicted: what the assistant says, its last turn "
        + "alone, or everything");
    private readonly Option<bool> prefix = Choice.Flag("--prefix", "The prompt sees all of itself, as in a prefix-LM");
    private readonly Command command = new("sft", "Tune a model on conversations: supervised fine-tuning.");

    public static Command Build() => new SftCommand().Create();

    private Command Create()
    {
        counted.DefaultValueFactory = _ => "answers";
        counted.AcceptOnlyFromAmong("answers", "last", "all");
        tuning.AddTo(command, counted, prefix);
        Examples.Add(command,
            ("the quickstart's model learns to answer questions about its stories", "lemma sft --model runs/quickstart"),
            ("conversations of your own", "lemma sft --model runs/quickstart --data chats.jsonl --out runs/chats"),
            ("an adapter of rank 16, on Alpaca's form", "lemma sft --model my-model --data instructions.json --lora 16 --learning-rate 2e-4"),
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
        (List<TokenExample> training, List<TokenExample> validation) = TuningData.Read(request, StoryTasks.Instructions(request.Seed, request.Told, questions: 4),
            encoder.Encode);
        Decoder decoder = model.Begin();
        SupervisedTuning recipe = new(decoder, training, validation, new SupervisedTuningOptions
        {
            RowsOfPass = request.Rows,
            SeesPrompt = request.Parsed.GetValue(prefix),
            Seed = request.Seed,
        });
        return TuningRun.Run("sft", request, model, recipe);
    }
}
