using System.CommandLine;
using Lemma.Checkpoints;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary><c>lemma ppo</c>: a model learns from the rewards of its own answers, beside a critic.</summary>
internal sealed class PpoCommand
{
    private static readonly ProximalPolicyOptions Defaults = new();

    private readonly TuningOptions tuning = new("ppo", new TrainingOptions
    {
        Steps = 200,
        LearningRate = 1e-4,
        Schedule = new ConstantSchedule { Warmup = 5 },
        Optimizer = new AdamWOptions { WeightDecay = 0 },
        EvaluateEvery = 40,
    }, hasLists: true);

    private readonly RoundChoices round = new(Defaults);
    private readonly Option<double?> beta = Choice.Number("--beta", "What a nat of divergence from the model before costs in the rewards of tokens",
        fallback: Defaults.Penalty.Beta);
    private readonly Option<double?> target = Choice.Number("--target-kl", "The nats of divergence an answer that --beta is led to; it stays without",
        least: double.Epsilon);
    private readonly Option<double?> horizon = Choice.Number("--kl-horizon", "Answers over which --beta follows --target-kl", least: double.Epsilon,
        fallback: Defaults.Penalty.Horizon);
    private readonly Option<double?> gamma = Choice.Number("--gamma", "What the next token's reward counts, at most 1", fallback: Defaults.Gamma);
    private readonly Option<double?> lambda = Choice.Number("--lambda", "From errors of one step, 0, to the rewards to come, 1", fallback: Defaults.Lambda);
    private readonly Option<string?> critic = Choice.Text("--critic", "DIR", "What the critic begins as, a reward model say; the model itself without it");
    private readonly Option<double?> criticRate = Choice.Number("--critic-learning-rate", "The critic's learning rate", least: double.Epsilon,
        fallback: Defaults.CriticLearningRate);
    private readonly Option<double?> policyClip = Choice.Number("--policy-clip", "How far the ratio of a token may move from 1", below: 1,
        fallback: new ProximalPolicyLoss().EpsilonLow);
    private readonly Option<double?> valueClip = Choice.Number("--value-clip", "How far a value may move while a round is read", fallback: Defaults.ValueLoss.Clip);
    private readonly Option<double?> entropy = Choice.Number("--entropy", "The weight of the entropy, which keeps answers different", fallback: 0);
    private readonly Command command = new("ppo", "Train a model by the rewards of its own answers, beside a critic: PPO.");

    public static Command Build() => new PpoCommand().Create();

    private Command Create()
    {
        tuning.AddTo(command, [.. round.All, beta, target, horizon, gamma, lambda, critic, criticRate, policyClip, valueClip, entropy]);
        Examples.Add(command,
            ("right answers about the built-in stories", "lemma ppo --model runs/sft"),
            ("a critic that begins as a reward model, and a divergence that is led to 4 nats an answer",
                "lemma ppo --model runs/sft --critic runs/reward --target-kl 4"),
            ("prompts with answers of your own, an adapter", "lemma ppo --model runs/sft --data questions.jsonl --lora 16"));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        TuningRequest request = tuning.Read(command, parsed);
        ParseResult given = request.Parsed;
        double strength = given.GetValue(beta)!.Value, clip = given.GetValue(policyClip)!.Value;
        if (given.GetValue(target) is not null && strength == 0)
            throw new UsageException("--target-kl: --beta is led to it, but that is 0");
        ProximalPolicyOptions options = round.Read(given, request.Seed, new ProximalPolicyOptions
        {
            Penalty = new DivergencePenalty { Beta = strength, Target = given.GetValue(target), Horizon = given.GetValue(horizon)!.Value },
            Loss = new ProximalPolicyLoss { EpsilonLow = clip, EpsilonHigh = clip },
            ValueLoss = new ClippedValueLoss { Clip = given.GetValue(valueClip)!.Value },
            Gamma = given.GetValue(gamma)!.Value,
            Lambda = given.GetValue(lambda)!.Value,
            EntropyWeight = given.GetValue(entropy)!.Value,
            CriticLearningRate = given.GetValue(criticRate)!.Value,
        });
        using TunedModel model = new(request) { KeepsBase = strength > 0 };
        (List<TokenPrompt> training, List<TokenPrompt> validation) = TuningData.Read(request, request.Questions,
            model.NewEncoder(room: options.LongestAnswer).Encode);
        using Decoder judge = Critic(given.GetValue(critic), model);
        Decoder decoder = model.Begin();
        using ProximalPolicyOptimization recipe = new(decoder, judge, [.. TuningData.Prompts(training)], [.. TuningData.Prompts(validation)],
            round.Reward(given), model.Tokenizer, model.Workers, options, strength > 0 ? model.Base : null);
        return TuningRun.Run("ppo", request, model, recipe);
    }

    // Of a run that goes on the recipe reads its weights again.
    private static Decoder Critic(string? folder, TunedModel model)
    {
        if (folder is null)
            return model.Base.WithScores(1);
        Decoder decoder = ModelFolder.ReadDecoder(ModelPath.Find(folder));
        if (decoder.Config.Scores > 0)
            return decoder;
        using (decoder)
            return decoder.WithScores(1);
    }
}
