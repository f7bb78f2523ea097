using System.CommandLine;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary><c>lemma grpo</c>: a model learns from the rewards of its own answers.</summary>
internal sealed class GrpoCommand
{
    private static readonly Dictionary<string, AdvantageRule> Advantages = new()
    {
        ["group"] = new GroupAdvantages(),
        ["centered"] = new GroupAdvantages { DividesByDeviation = false },
        ["leave-one-out"] = new LeaveOneOutAdvantages(),
        ["whitened"] = new WhitenedAdvantages(),
    };

    private readonly TuningOptions tuning = new("grpo", new TrainingOptions
    {
        Steps = 100,
        LearningRate = 1e-4,
        Schedule = new ConstantSchedule { Warmup = 5 },
        Optimizer = new AdamWOptions { WeightDecay = 0 },
        EvaluateEvery = 25,
    });

    private readonly Option<string?> loss = Choice.Text("--loss", "NAME", $"What a token costs: {string.Join(", ", PolicyLoss.All.Keys)}");
    private readonly Option<string?> reward = Choice.Text("--reward", string.Join('|', PolicyRewards.All.Keys), "What is rewarded: the known answer, a text that "
        + "contains it, an end");
    private readonly Option<string?> advantages = Choice.Text("--advantages", string.Join('|', Advantages.Keys), "How rewards become advantages");
    private readonly Option<double?> beta = Choice.Number("--beta", "What a nat of divergence from the model before costs", fallback: 0);
    private readonly Option<int?> prompts = Choice.Whole("--prompts", "Prompts of a round", fallback: 16);
    private readonly Option<int?> group = Choice.Whole("--group", "Answers a prompt", fallback: 8);
    private readonly Option<int?> longest = Choice.Whole("--answer-length", "The most tokens of an answer", fallback: 32);
    private readonly Option<int?> passes = Choice.Whole("--passes", "Passes that a round's answers are split into", fallback: 1);
    private readonly Option<int?> epochs = Choice.Whole("--epochs", "How often a round's answers are read", fallback: 1);
    private readonly Option<int?> further = Choice.Whole("--further-rounds", "How often further prompts are tried for groups whose rewards differ: dynamic "
        + "sampling", least: 0, fallback: 0);
    private readonly Option<bool> mask = Choice.Flag("--leave-out-cut", "Answers that did not end by themselves do not count");
    private readonly Command command = new("grpo", "Train a model by the rewards of its own answers: GRPO, DAPO, RLOO and their kin.");

    public static Command Build() => new GrpoCommand().Create();

    private Command Create()
    {
        foreach ((Option<string?> option, string usual, IEnumerable<string> names) in new[]
        {
            (loss, "dapo", PolicyLoss.All.Keys), (reward, "right", PolicyRewards.All.Keys), (advantages, "group", (IEnumerable<string>)Advantages.Keys),
        })
        {
            option.DefaultValueFactory = _ => usual;
            option.AcceptOnlyFromAmong([.. names]);
        }
        tuning.AddTo(command, reward, loss, advantages, beta, prompts, group, longest, passes, epochs, further, mask);
        Examples.Add(command,
            ("right answers about the built-in stories", "lemma grpo --model runs/sft"),
            ("prompts with answers of your own, held to the model before", "lemma grpo --model runs/sft --data questions.jsonl --beta 0.02"),
            ("RLOO", "lemma grpo --model runs/sft --loss reinforce --advantages leave-one-out"));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        TuningRequest request = tuning.Read(command, parsed);
        ParseResult given = request.Parsed;
        double strength = given.GetValue(beta)!.Value;
        PolicyLoss chosen = PolicyLoss.All[given.GetValue(loss)!] with { Beta = strength };
        int most = given.GetValue(longest)!.Value;
        if (chosen is LengthFreePolicyLoss free)
            chosen = free with { LongestAnswer = most };
        using TunedModel model = new(request) { KeepsBase = strength > 0 };
        (List<TokenPrompt> training, List<TokenPrompt> validation) = TuningData.Read(request, StoryTasks.Questions(request.Seed),
            model.NewEncoder(room: most).Encode);
        Decoder decoder = model.Begin();
        using PolicyOptimization recipe = new(decoder, [.. TuningData.Prompts(training)], [.. TuningData.Prompts(validation)],
            PolicyRewards.All[given.GetValue(reward)!], model.Tokenizer, model.Workers, new PolicyOptimizationOptions
            {
                Loss = chosen,
                Advantages = Advantages[given.GetValue(advantages)!],
                Prompts = given.GetValue(prompts)!.Value,
                Group = given.GetValue(group)!.Value,
                LongestAnswer = most,
                PassesOfRound = given.GetValue(passes)!.Value,
                Epochs = given.GetValue(epochs)!.Value,
                FurtherRounds = given.GetValue(further)!.Value,
                LeavesOutCutAnswers = given.GetValue(mask),
                Seed = request.Seed,
            }, strength > 0 ? model.Base : null);
        return TuningRun.Run("grpo", request, model, recipe);
    }
}
