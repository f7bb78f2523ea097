using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Training;
using static Lemma.Tests.Training.LetterTask;

namespace Lemma.Tests.Training;

/// <summary>A policy learns what is rewarded, with equal bits for any threads and interruptions.</summary>
public class PolicyOptimizationTests
{
    private static readonly PolicyOptimizationOptions Options = new() { Loss = new TokenPolicyLoss(), Prompts = 16, Group = 8, LongestAnswer = 4, Seed = 2 };

    [Fact]
    public void WhatIsRewardedBecomesLikelier()
    {
        using Decoder policy = Policy();
        using Workers workers = new(2);
        using PolicyOptimization recipe = new(policy, Prompts, Prompts, Reward, Tokenizer, workers, Options);
        using Tape tape = new(workers, policy.Parameters) { Recording = false };
        double before = recipe.Judge(tape).Value;
        TrainingResult result = new TrainingLoop(recipe, Loop with { Steps = 120, EvaluateEvery = 40 }, workers).Train();
        Assert.True(before < 0.4 && result.BestScore > 0.95, $"the reward went from {before} to {result.BestScore}");
    }

    [Theory, InlineData(1, 1, 0), InlineData(3, 2, 0), InlineData(2, 1, 3)]
    public void ThreadsAndInterruptionsDoNotChangeAByte(int passes, int epochs, int further)
    {
        using TemporaryFolder folder = new();
        PolicyOptimizationOptions options = Options with
        {
            Loss = new TokenPolicyLoss { Beta = 0.01 },
            PassesOfRound = passes,
            Epochs = epochs,
            FurtherRounds = further,
        };
        Run("whole", 1, long.MaxValue, false);
        Run("threads", 3, long.MaxValue, false);
        foreach (int stop in (int[])[2, 7, 9])
            Run("parts", 2, stop, stop > 2);
        Run("parts", 2, long.MaxValue, true);
        foreach (string other in (string[])["threads", "parts"])
        {
            foreach (string file in (string[])["last/model.safetensors", "last/training_state.safetensors", "best/model.safetensors", "metrics.jsonl"])
                Assert.True(File.ReadAllBytes(folder[$"whole/{file}"]).AsSpan().SequenceEqual(File.ReadAllBytes(folder[$"{other}/{file}"])), $"{other}: {file}");
        }

        void Run(string run, int threads, long stopAfter, bool resume)
        {
            using Decoder policy = resume ? ModelFolder.ReadDecoder(folder[$"{run}/last"]) : Policy();
            using Decoder reference = Policy();
            using Workers workers = new(threads);
            using PolicyOptimization recipe = new(policy, Prompts, Prompts[..8], Reward, Tokenizer, workers, options, reference);
            using CancellationTokenSource source = new();
            new TrainingLoop(recipe, Loop, workers) { Folder = folder[run] }.Train(resume, new Reporting(seen =>
            {
                if (seen.Step >= stopAfter)
                    source.Cancel();
            }), source.Token);
        }
    }

    [Fact]
    public void ReinforcePlusPlusWeighsTokensByWhatIsToCome()
    {
        using TemporaryFolder folder = new();
        using Decoder policy = Policy(), reference = Policy();
        using Workers workers = new(2);
        PolicyOptimizationOptions options = Options with
        {
            Loss = new ReinforceLoss(),
            Advantages = new WhitenedAdvantages(),
            Penalty = new DivergencePenalty { Beta = 0.02 },
        };
        using PolicyOptimization recipe = new(policy, Prompts, Prompts, Reward, Tokenizer, workers, options, reference);
        TrainingResult result = new TrainingLoop(recipe, Loop with { Steps = 120, EvaluateEvery = 40 }, workers) { Folder = folder["run"] }.Train();
        Assert.True(result.BestScore > 0.8, $"the reward is {result.BestScore}");
        PolicyRound round = PolicyRound.Read(folder["run/last"]);
        double[] raw = [.. round.Rollouts.SelectMany((rollout, i) => rollout.Logs.Select((_, t) => round.Rewards[i]
            - 0.02 * rollout.Logs.Zip(round.ReferenceLogs[i], (log, of) => (double)log - of).Skip(t).Sum()))];
        double mean = raw.Average(), deviation = Math.Sqrt(raw.Sum(one => (one - mean) * (one - mean)) / (raw.Length - 1));
        Assert.All(round.Advantages.SelectMany(own => own).Zip(raw), pair => Assert.Equal((pair.Second - mean) / deviation, pair.First, 1e-4));
        Assert.NotEqual(0, round.Divergence);
    }

    // With a margin of the whole answer each of its tokens costs a part, and nothing else is rewarded.
    [Fact]
    public void LongAnswersCost()
    {
        using Decoder policy = Policy();
        using Workers workers = new(2);
        using PolicyOptimization recipe = new(policy, Prompts, Prompts, (_, _) => 0, Tokenizer, workers,
            Options with { OverlongMargin = 4, LongestAnswer = 4, PassesOfRound = 2, Epochs = 2 });
        Dictionary<string, double> first = [];
        double clipped = 0;
        TrainingResult result = new TrainingLoop(recipe, Loop with { Steps = 60, EvaluateEvery = 60, LearningRate = 1e-2 }, workers).Train(progress: new Reporting(seen =>
        {
            Dictionary<string, double> metrics = seen.Metrics.ToDictionary(metric => metric.Name, metric => metric.Value);
            Assert.Equal(-metrics["answer_length"] / 4, metrics["reward"], 1e-6);
            // Fresh answers have ratios of 1; those that were read before have not.
            if (seen.Step % 4 == 1)
                Assert.Equal(0, metrics["clip_share"]);
            clipped += metrics["clip_share"];
            first = first.Count == 0 ? metrics : first;
            if (seen.Step == 60)
                Assert.True(first["answer_length"] > 2 && metrics["answer_length"] < 1.5, $"from {first["answer_length"]} to {metrics["answer_length"]} ids");
        }));
        Assert.True(clipped > 0);
    }

    public static TheoryData<string, string> Kin => new()
    {
        { "grpo", "group" }, { "dr_grpo", "centered" }, { "bnpo", "group" }, { "cispo", "group" }, { "gspo", "group" }, { "ppo_clip", "whitened" },
        { "reinforce", "leave-one-out" },
    };

    [Theory, MemberData(nameof(Kin))]
    public void ItsKinLearnTheSame(string loss, string rule)
    {
        PolicyLoss chosen = PolicyLoss.All.GetValueOrDefault(loss) ?? PolicyLoss.All["ppo"];
        AdvantageRule advantages = rule switch
        {
            "group" => new GroupAdvantages(),
            "centered" => new GroupAdvantages { DividesByDeviation = false },
            "whitened" => new WhitenedAdvantages(),
            _ => new LeaveOneOutAdvantages(),
        };
        using Decoder policy = Policy();
        using Workers workers = new(2);
        chosen = chosen is LengthFreePolicyLoss free ? free with { LongestAnswer = 4 } : chosen;
        using PolicyOptimization recipe = new(policy, Prompts, Prompts, Reward, Tokenizer, workers,
            Options with { Loss = chosen, Advantages = advantages, PassesOfRound = 2, Epochs = 2 });
        TrainingResult result = new TrainingLoop(recipe, Loop with { Steps = 160, EvaluateEvery = 40 }, workers).Train();
        Assert.True(result.BestScore > 0.8, $"the reward is {result.BestScore}");
    }

    [Fact]
    public void RewardsThatAreNoNumbersAreNamed()
    {
        using Decoder policy = Policy();
        using Workers workers = new(1);
        Named("\" is NaN", (_, _) => double.NaN);
        Named("threw InvalidOperationException: no judge", (_, _) => throw new InvalidOperationException("no judge"));
        Assert.Contains("needs whitened advantages, as in REINFORCE++, not GroupAdvantages", Assert.Throws<ArgumentException>(() =>
            (Options with { Penalty = new DivergencePenalty { Beta = 0.1 } }).Validate()).Message, StringComparison.Ordinal);
        Assert.Contains("the margin of long answers must lie in [0, 4], but it is 5", Assert.Throws<ArgumentException>(() =>
            (Options with { OverlongMargin = 5 }).Validate()).Message, StringComparison.Ordinal);
        Assert.Contains("0 to learn from", Assert.Throws<ArgumentException>(() =>
            new PolicyOptimization(policy, [], Prompts, Reward, Tokenizer, workers, Options)).Message, StringComparison.Ordinal);

        void Named(string part, PolicyReward reward)
        {
            using PolicyOptimization recipe = new(policy, Prompts, Prompts, reward, Tokenizer, workers, Options);
            Assert.Contains(part, Assert.Throws<TrainingFailedException>(() => new TrainingLoop(recipe, Loop, workers).Train()).Message, StringComparison.Ordinal);
        }
    }
}
