using System.CommandLine;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary><c>lemma reward</c>: a model learns to say how good an answer is.</summary>
internal sealed class RewardCommand
{
    private readonly TuningOptions tuning = new("reward", new TrainingOptions
    {
        Steps = 300,
        LearningRate = 5e-4,
        Schedule = new LinearSchedule { Warmup = 20 },
        EvaluateEvery = 100,
    }, hasLists: true);

    private readonly Option<double?> center = Choice.Number("--center", "The weight of the square of a pair's rewards, which keeps them near 0", fallback: 0.01);
    private readonly Option<int?> blocks = Choice.Whole("--blocks",
        "Blocks behind the model's own, which change nothing at first: small models need some to compare an answer with what they would have said",
        least: 0, fallback: 0);
    private readonly Command command = new("reward", "Train a reward model on pairs of answers, one of which is preferred.");

    public static Command Build() => new RewardCommand().Create();

    private Command Create()
    {
        tuning.AddTo(command, center, blocks);
        Examples.Add(command,
            ("which answers about the built-in stories are right", "lemma reward --model runs/sft"),
            ("which of two lists said backwards is right, by the model of lemma quickstart --full and two blocks more",
                "lemma reward --model runs/full/sft --lists 1 --blocks 2 --examples 60000 --steps 1600 --rows 4096 "
                + "--optimizer muon --learning-rate 2e-3 --schedule cosine"),
            ("pairs of your own", "lemma reward --model runs/sft --data pairs.jsonl --out runs/judge"));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        TuningRequest request = tuning.Read(command, parsed);
        if (request.Adapter is not null)
            throw new UsageException("--lora: a reward model has a new matrix, its score, which an adapter does not learn");
        using TunedModel model = new(request);
        (List<TokenPair> training, List<TokenPair> validation) = TuningData.Read(request, request.Preferences, model.NewEncoder().Encode);
        int more = parsed.GetValue(blocks)!.Value;
        Decoder decoder = model.Begin(decoder =>
        {
            if (more == 0)
                return decoder.WithScores(1);
            using Decoder deeper = decoder.WithMoreBlocks(more, request.Seed);
            return deeper.WithScores(1);
        });
        RewardModeling recipe = new(decoder, training, validation, new RewardModelingOptions
        {
            RowsOfPass = request.Rows,
            CenterWeight = request.Parsed.GetValue(center)!.Value,
            Seed = request.Seed,
        });
        return TuningRun.Run("reward", request, model, recipe, answers: false);
    }
}
