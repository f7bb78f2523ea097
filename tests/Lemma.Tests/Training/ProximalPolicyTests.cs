using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Training;
using static Lemma.Tests.Training.LetterTask;

namespace Lemma.Tests.Training;

/// <summary>PPO: the policy learns what is rewarded and the critic what is to come, with equal bits for any threads and interruptions.</summary>
public class ProximalPolicyTests
{
    private static readonly ProximalPolicyOptions Options = new() { Prompts = 16, Group = 4, LongestAnswer = 4, CriticLearningRate = 3e-3, Seed = 2 };

    [Fact]
    public void WhatIsRewardedBecomesLikelier()
    {
        using Decoder policy = Policy(), critic = policy.WithScores(1), reference = Policy();
        using Workers workers = new(2);
        using ProximalPolicyOptimization recipe = new(policy, critic, Prompts, Prompts, Reward, Tokenizer, workers, Options, reference);
        using Tape tape = new(workers, policy.Parameters) { Recording = false };
        double before = recipe.Judge(tape).Value;
        TrainingResult result = new TrainingLoop(recipe, Loop with { Steps = 160, EvaluateEvery = 40 }, workers).Train();
        Assert.True(before < 0.4 && result.BestScore > 0.9, $"the reward went from {before} to {result.BestScore}");
    }

    // The reward depends on the prompt alone, so nothing is to be learned but what comes.
    [Fact]
    public void TheCriticForeseesWhatDependsOnThePrompt()
    {
        using Decoder policy = Policy(), critic = policy.WithScores(1);
        using Workers workers = new(2);
        using ProximalPolicyOptimization recipe = new(policy, critic, Prompts, Prompts, (prompt, _) => prompt.Text[1] < 'e' ? 1 : 0, Tokenizer, workers,
            Options with { Penalty = new DivergencePenalty() });
        List<Dictionary<string, double>> seen = [];
        new TrainingLoop(recipe, Loop with { Steps = 120, EvaluateEvery = 120 }, workers).Train(progress: new Reporting(progress =>
            seen.Add(progress.Metrics.ToDictionary(metric => metric.Name, metric => metric.Value))));
        // The score is 0 at first, so all of the variance is still to be foreseen.
        Assert.Equal(0, seen[0]["explained_variance"], 1e-6);
        Assert.True(seen[^1]["explained_variance"] > 0.7 && seen[^1]["value_loss"] < 0.1 * seen[0]["value_loss"],
            $"foreseen {seen[^1]["explained_variance"]}, the loss from {seen[0]["value_loss"]} to {seen[^1]["value_loss"]}");
    }

    public static TheoryData<double, double> Cases => new() { { 0, 0 }, { 0.5, 0.01 } };

    [Theory, MemberData(nameof(Cases))]
    public void ThreadsAndInterruptionsDoNotChangeAByte(double target, double entropy)
    {
        using TemporaryFolder folder = new();
        ProximalPolicyOptions options = Options with
        {
            EntropyWeight = entropy,
            Penalty = new DivergencePenalty { Beta = 0.05, Target = target == 0 ? null : target, Horizon = 100 },
        };
        Run("whole", 1, long.MaxValue, false);
        Run("threads", 3, long.MaxValue, false);
        // Of a round's four passes the second, the last, and the first of another.
        foreach (int stop in (int[])[2, 8, 9])
            Run("parts", 2, stop, stop > 2);
        Run("parts", 2, long.MaxValue, true);
        string[] files = [.. Directory.EnumerateFiles(folder["whole"], "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder["whole"], file)).Where(file => file != "timings.jsonl")];
        Assert.Contains(Path.Combine("last", "critic", "training_state.safetensors"), files);
        Assert.Contains(Path.Combine("last", "rollouts.json"), files);
        foreach (string other in (string[])["threads", "parts"])
        {
            foreach (string file in files)
                Assert.True(File.ReadAllBytes(folder[$"whole/{file}"]).AsSpan().SequenceEqual(File.ReadAllBytes(folder[$"{other}/{file}"])), $"{other}: {file}");
        }

        void Run(string run, int threads, long stopAfter, bool resume)
        {
            using Decoder policy = resume ? ModelFolder.ReadDecoder(folder[$"{run}/last"]) : Policy();
            using Decoder critic = policy.WithScores(1), reference = Policy();
            using Workers workers = new(threads);
            using ProximalPolicyOptimization recipe = new(policy, critic, Prompts, Prompts[..8], Reward, Tokenizer, workers, options, reference);
            using CancellationTokenSource source = new();
            new TrainingLoop(recipe, Loop, workers) { Folder = folder[run] }.Train(resume, new Reporting(seen =>
            {
                if (seen.Step >= stopAfter)
                    source.Cancel();
            }), source.Token);
        }
    }

    // With no room for ratios any that is not exactly 1 is counted where its advantage points beyond.
    [Theory, InlineData(0), InlineData(0.01)]
    public void RatiosOfAFirstPassAreExactlyOne(double entropy)
    {
        using Decoder policy = Policy(), critic = policy.WithScores(1), reference = Policy();
        using Workers workers = new(2);
        using ProximalPolicyOptimization recipe = new(policy, critic, Prompts, Prompts[..8], Reward, Tokenizer, workers,
            Options with { EntropyWeight = entropy, PassesOfRound = 1, Loss = new ProximalPolicyLoss { EpsilonLow = 0, EpsilonHigh = 0 } }, reference);
        List<double> shares = [];
        new TrainingLoop(recipe, Loop, workers).Train(progress: new Reporting(seen => shares.Add(seen.Metrics.Single(metric => metric.Name == "clip_share").Value)));
        for (int step = 0; step < shares.Count; step++)
            Assert.Equal(step % 2 == 0, shares[step] == 0);
    }

    [Fact]
    public void TheBetaIsLedToItsTarget()
    {
        DivergencePenalty penalty = new() { Beta = 0.2, Target = 6, Horizon = 1000 };
        Assert.Equal(0.2 * (1 + 0.1 * 64 / 1000), penalty.Next(0.2, 6.6, 64), 1e-12);
        Assert.Equal(0.2 * (1 + 0.2 * 64 / 1000), penalty.Next(0.2, 60, 64), 1e-12);
        Assert.Equal(0.2 * (1 - 0.2 * 64 / 1000), penalty.Next(0.2, -1, 64), 1e-12);
        Assert.Equal(0.2, (penalty with { Target = null }).Next(0.2, 60, 64));

        using Decoder policy = Policy(), critic = policy.WithScores(1), reference = Policy();
        using Workers workers = new(2);
        penalty = new DivergencePenalty { Beta = 0.05, Target = 0.1, Horizon = 64 };
        using ProximalPolicyOptimization recipe = new(policy, critic, Prompts, Prompts[..8], Reward, Tokenizer, workers, Options with { Penalty = penalty }, reference);
        (double Beta, double Divergence) last = (0, 0);
        new TrainingLoop(recipe, Loop with { Steps = 40, EvaluateEvery = 40 }, workers).Train(progress: new Reporting(seen =>
        {
            (double beta, double divergence) = (Of("kl_coefficient"), Of("kl"));
            if (seen.Step % 4 == 1)
                Assert.Equal(seen.Step == 1 ? 0.05 : penalty.Next(last.Beta, last.Divergence, 64), beta);
            else
                Assert.Equal(last, (beta, divergence));
            last = (beta, divergence);

            double Of(string name) => seen.Metrics.Single(metric => metric.Name == name).Value;
        }));
        Assert.True(last.Beta != 0.05 && last.Divergence > 0, $"{last}");
    }

    [Fact]
    public void RewardsOfTokensAreTheDivergenceAndAtTheEndTheAnswers()
    {
        Rollout[] rollouts = [new(0, [1, 2, 3], 1, [-1, -2], true), new(0, [1, 4], 1, [-0.5f], false)];
        PolicyRound round = new(0, 1, 0.5, rollouts, [1, -1], [[-2, -1], [-1]]);
        Assert.Equal([[-0.5f, 1.5f], [-1.25f]], round.TokenRewards());
        Assert.Equal(0.25, round.Divergence, 1e-7);
        Assert.Equal([[0, 1], [-1]], (round with { Beta = 0 }).TokenRewards());
    }

    [Fact]
    public void WhatDoesNotFitIsNamed()
    {
        using Decoder policy = Policy(), critic = policy.WithScores(1), two = policy.WithScores(2), reference = Policy();
        using Decoder large = new Decoder(Presets.Llama(12, width: 32, layers: 1, heads: 2, hidden: 48, length: 12)).WithScores(1);
        using Workers workers = new(1);
        Failed("ppo: the reward of the answer", "\" is NaN", (_, _) => double.NaN);
        Failed("ppo: the reward of the answer", "threw InvalidOperationException: no judge", (_, _) => throw new InvalidOperationException("no judge"));
        Wrong("the critic must be another model", () => New(policy));
        Wrong("the critic must have one score a row, but it has 2", () => New(two));
        Wrong("the critic reads 12 ids in sequences of 12, but the policy 9 in 12", () => New(large));
        Wrong("the rewards have a divergence from a reference, but there is none", () => New(critic, held: null));
        Wrong("γ and λ must lie in [0, 1], but they are 1.5 and 0.95", () => (Options with { Gamma = 1.5 }).Validate());
        Wrong("the critic's learning rate must be positive, but it is 0", () => (Options with { CriticLearningRate = 0 }).Validate());
        Wrong("the weight of the entropy must not be negative, but it is -1", () => (Options with { EntropyWeight = -1 }).Validate());
        Wrong("β must not be negative, but it is -1", () => Penalized(new DivergencePenalty { Beta = -1 }));
        Wrong("a target and the β that is led to it must be above 0, but they are 1 and 0", () => Penalized(new DivergencePenalty { Target = 1 }));
        Wrong("the horizon must be above a fifth of the 64 answers of a round, but it is 10", () => Penalized(new DivergencePenalty { Beta = 1, Horizon = 10 }));

        ProximalPolicyOptimization New(Decoder judge, PolicyReward? reward = null, Decoder? held = null) =>
            new(policy, judge, Prompts, Prompts, reward ?? Reward, Tokenizer, workers, Options, held);

        void Failed(string begin, string part, PolicyReward reward)
        {
            using ProximalPolicyOptimization recipe = New(critic, reward, reference);
            string message = Assert.Throws<TrainingFailedException>(() => new TrainingLoop(recipe, Loop, workers).Train()).Message;
            Assert.StartsWith(begin, message, StringComparison.Ordinal);
            Assert.Contains(part, message, StringComparison.Ordinal);
        }

        static void Penalized(DivergencePenalty penalty) => (Options with { Penalty = penalty }).Validate();

        static void Wrong(string part, Action call) => Assert.Contains(part, Assert.Throws<ArgumentException>(call).Message, StringComparison.Ordinal);
    }
}
