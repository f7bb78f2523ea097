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
    }, hasLists: true);

    private readonly Option<string?> loss = Choice.Text("--loss", "NAME", $"What a token costs: {string.Join(", ", PolicyLoss.All.Keys)}");
    private readonly Option<string?> advantages = Choice.Text("--advantages", string.Join('|', Advantages.Keys), "How rewards become advantages");
    private readonly Option<double?> beta = Choice.Number("--beta", "What a nat of divergence from the model before costs in the loss", fallback: 0);
    private readonly Option<double?> tokenBeta = Choice.Number("--token-beta", "What a nat of it costs in the rewards of tokens, with whitened advantages: "
        + "REINFORCE++", fallback: 0);
    private readonly RoundChoices round = new(new PolicyOptimizationOptions { Loss = new TokenPolicyLoss() });
    private readonly Option<int?> further = Choice.Whole("--further-rounds", "How often further prompts are tried for groups whose rewards differ: dynamic "
        + "sampling", least: 0, fallback: 0);
    private readonly Command command = new("grpo", "Train a model by the rewards of its own answers: GRPO, DAPO, RLOO and their kin.");

    public static Command Build() => new GrpoCommand().Create();

    private Command Create()
    {
        foreach ((Option<string?> option, string usual, IEnumerable<string> names) in new[]
        {
            (loss, "dapo", PolicyLoss.All.Keys), (advantages, "group", (IEnumerable<string>)Advantages.Keys),
        })
        {
            option.DefaultValueFactory = _ => usual;
            option.AcceptOnlyFromAmong([.. names]);
        }
        tuning.AddTo(command, [.. round.All, loss, advantages, beta, tokenBeta, further]);
        Examples.Add(command,
            ("right answers about the built-in stories", "lemma grpo --model runs/sft"),
            ("prompts with answers of your own, held to the model before", "lemma grpo --model runs/sft --data questions.jsonl --beta 0.02"),
            ("RLOO", "lemma grpo --model runs/sft --loss reinforce --advantages leave-one-out"),
            ("REINFORCE++", "lemma grpo --model runs/sft --loss reinforce --advantages whitened --token-beta 0.02"));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        TuningRequest request = tuning.Read(command, parsed);
        ParseResult given = request.Parsed;
        double strength = given.GetValue(beta)!.Value, ofTokens = given.GetValue(tokenBeta)!.Value;
        if (ofTokens > 0 && given.GetValue(advantages) != "whitened")
            throw new UsageException("--token-beta: rewards of tokens need --advantages whitened");
        PolicyLoss chosen = PolicyLoss.All[given.GetValue(loss)!] with { Beta = strength };
        int most = round.LongestAnswer(given);
        if (chosen is LengthFreePolicyLoss free)
            chosen = free with { LongestAnswer = most };
        PolicyOptimizationOptions options = round.Read(given, request.Seed, new PolicyOptimizationOptions
        {
            Loss = chosen,
            Advantages = Advantages[given.GetValue(advantages)!],
            Penalty = new DivergencePenalty { Beta = ofTokens },
            FurtherRounds = given.GetValue(further)!.Value,
        });
        bool isHeld = strength > 0 || ofTokens > 0;
        using TunedModel model = new(request) { KeepsBase = isHeld };
        (List<TokenPrompt> training, List<TokenPrompt> validation) = TuningData.Read(request, request.Questions,
            model.NewEncoder(room: most).Encode);
        Decoder decoder = model.Begin();
        using PolicyOptimization recipe = new(decoder, [.. TuningData.Prompts(training)], [.. TuningData.Prompts(validation)], round.Reward(given),
            model.Tokenizer, model.Workers, options, isHeld ? model.Base : null);
        return TuningRun.Run("grpo", request, model, recipe);
    }
}
