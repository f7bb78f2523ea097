using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Text;
using Lemma.Text.Training;
using Lemma.Training;

namespace Lemma.Tests.Training;

/// <summary>A policy learns what is rewarded, with equal bits for any threads and interruptions.</summary>
public class PolicyOptimizationTests
{
    private const string Letters = "abcdefgh.";
    private static readonly Tokenizer Tokenizer = CharacterTrainer.Train([Letters], new CharacterTrainerOptions());
    private static readonly PolicyPrompt[] Prompts = [.. Letters[..8].SelectMany(first => Letters[..8].Select(second => $"{first}{second}"))
        .Select(text => new PolicyPrompt(Tokenizer.Encode(text), text, $"{text[1]}"))];

    private static readonly PolicyOptimizationOptions Options = new() { Loss = new TokenPolicyLoss(), Prompts = 16, Group = 8, LongestAnswer = 4, Seed = 2 };

    private static readonly TrainingOptions Loop = new()
    {
        Steps = 12,
        LearningRate = 3e-3,
        Schedule = new ConstantSchedule { Warmup = 0 },
        Optimizer = new AdamWOptions { WeightDecay = 0 },
        EvaluateEvery = 4,
        Seed = 3,
    };

    // The answer is to say the prompt's last letter again.
    private static double Reward(PolicyPrompt prompt, PolicyAnswer answer) => answer.Text.StartsWith(prompt.Answer!, StringComparison.Ordinal) ? 1 : 0;

    private static Decoder Policy()
    {
        Decoder model = new(Presets.Llama(9, width: 32, layers: 2, heads: 2, hidden: 48, length: 12) with { EndId = Tokenizer.IdOf(".") });
        model.Initialize(3);
        return model;
    }

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
            new TrainingLoop(recipe, Loop, workers) { Folder = folder[run] }.Train(resume, new Stopping(seen =>
            {
                if (seen.Step >= stopAfter)
                    source.Cancel();
            }), source.Token);
        }
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
        Assert.Contains("0 to learn from", Assert.Throws<ArgumentException>(() =>
            new PolicyOptimization(policy, [], Prompts, Reward, Tokenizer, workers, Options)).Message, StringComparison.Ordinal);

        void Named(string part, PolicyReward reward)
        {
            using PolicyOptimization recipe = new(policy, Prompts, Prompts, reward, Tokenizer, workers, Options);
            Assert.Contains(part, Assert.Throws<TrainingFailedException>(() => new TrainingLoop(recipe, Loop, workers).Train()).Message, StringComparison.Ordinal);
        }
    }

    private sealed class Stopping(Action<TrainingProgress> then) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => then(value);
    }
}
