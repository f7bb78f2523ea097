using System.Text.Json;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Training;

namespace Lemma.Tests.Training;

/// <summary>Losses and gradients of policies against PyTorch in float64 (bench/golden/preferences.py), and their means over passes.</summary>
public class PolicyReferenceTests
{
    // Cases that are a loss with other numbers than its own.
    private static readonly Dictionary<string, PolicyLoss> Variants = new()
    {
        ["dapo_delta"] = new TokenPolicyLoss { Delta = 1.5, Beta = 0.1 },
        ["grpo_beta"] = new GroupPolicyLoss { Beta = 0.04 },
        ["cispo_low"] = new ClippedImportanceLoss { LargestWeight = 1.1 },
        ["gspo_wide"] = new SequencePolicyLoss { EpsilonLow = 0.05, EpsilonHigh = 0.1, Beta = 0.04 },
        ["reinforce_answers"] = new ReinforceLoss { IsSumOfAnswers = true },
    };

    private static readonly JsonElement[] Answers = [.. LossReference.Expected.GetProperty("answers").EnumerateArray()];

    private static readonly int[] Lengths = [.. Answers.Select(answer => answer.GetProperty("answer").GetArrayLength())];

    public static TheoryData<string> Names => [.. PolicyLoss.All.Keys, .. Variants.Keys];

    [Theory, MemberData(nameof(Names))]
    public void ALossHasTheValueAndTheGradientOfTheReference(string name)
    {
        PolicyLoss loss = Variants.GetValueOrDefault(name) ?? PolicyLoss.All[name];
        using Decoder model = LossReference.Policy();
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters);
        ExampleRows rows = ExampleRows.Of([.. Answers.Select(answer => LossReference.Example(answer, "answer"))]);
        int[] counted = [.. Enumerable.Range(0, rows.Targets.Length).Where(row => rows.Targets.Span[row] >= 0)];
        Tensor logs = tape.Scale(tape.Pick(model.Losses(tape, rows.Rows, rows.Targets), counted), -1);
        Tensor advantages = Input(tape, name == "ppo" ? "token_advantages" : "advantage");
        LossPart part = loss.Of(tape, new PolicyLogs(logs, Input(tape, "old"), loss.NeedsReference ? Input(tape, "reference") : null, advantages, Lengths));
        LossReference.Compare(LossReference.Expected.GetProperty("policies").GetProperty(name), tape, part, model.Parameters);
    }

    // What a loss of policies is a mean of, a step takes over all of its passes; bnpo is a mean of passes.
    [Theory, MemberData(nameof(Names))]
    public void AStepIsThatOfItsAnswersHoweverTheyAreCut(string name)
    {
        PolicyLoss loss = Variants.GetValueOrDefault(name) ?? PolicyLoss.All[name];
        using Workers workers = new(2);
        using Tape tape = new(workers);
        int half = Lengths[..3].Sum(), all = Lengths.Sum();
        LossPart whole = Of(0, all, Lengths), first = Of(0, half, Lengths[..3]), second = Of(half, all - half, Lengths[3..]);
        double parts = (tape[first.Sum][0] + (double)tape[second.Sum][0]) / (first.Weight + second.Weight);
        Assert.Equal(name != "bnpo", Math.Abs(parts - whole.Mean(tape)) < 1e-6);

        LossPart Of(int at, int count, int[] lengths) => loss.Of(tape, new PolicyLogs(Some("reference", at, count), Some("old", at, count),
            Some("old", at, count), Some("token_advantages", at, count), lengths));

        Tensor Some(string what, int at, int count) => tape.Part(Input(tape, what), at, count);
    }

    [Fact]
    public void EveryLossIsKnownByItsNameAndHasAReference()
    {
        Assert.Equal(LossReference.Expected.GetProperty("policies").EnumerateObject().Select(one => one.Name).Order(StringComparer.Ordinal),
            PolicyLoss.All.Keys.Concat(Variants.Keys).Order(StringComparer.Ordinal));
        Assert.Equal(typeof(PolicyLoss).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(PolicyLoss)) && !type.IsAbstract).Select(type => type.Name)
            .Order(StringComparer.Ordinal), PolicyLoss.All.Values.Select(loss => loss.GetType().Name).Order(StringComparer.Ordinal));
        Assert.All(PolicyLoss.All, pair => Assert.Equal(pair.Key, pair.Value.Name));
        foreach (PolicyLoss loss in PolicyLoss.All.Values)
            loss.Validate();
    }

    // The whole of PPO: the policy's loss with its entropy, and that of a critic's scores beside the reference's rows.
    [Fact]
    public void PolicyAndCriticOfPpoHaveTheGradientsOfTheReference()
    {
        JsonElement expected = LossReference.Expected.GetProperty("whole_ppo");
        using Workers workers = new(2);
        ExampleRows rows = ExampleRows.Of([.. Answers.Select(answer => LossReference.Example(answer, "answer"))]);
        int[] counted = rows.Counted();
        using (Decoder policy = LossReference.Policy())
        {
            using Tape tape = new(workers, policy.Parameters);
            Tensor logits = policy.LogitsOf(tape, policy.Hidden(tape, rows.Rows), counted);
            Tensor logs = tape.Scale(tape.CrossEntropy(logits, counted.Select(row => rows.Targets.Span[row]).ToArray()), -1);
            LossPart part = new ProximalPolicyLoss().Of(tape, new PolicyLogs(logs, Input(tape, "old"), null, Input(tape, "token_advantages"), Lengths));
            part = part with { Sum = tape.AddScaled(part.Sum, tape.Sum(tape.Entropies(logits)), -0.03f) };
            LossReference.Compare(expected.GetProperty("policy"), tape, part, policy.Parameters);
        }
        using Decoder reference = LossReference.Reference(), critic = reference.WithScores(1);
        critic.Parameters.AllocateTrainingState();
        float[] score = [.. expected.GetProperty("score").EnumerateArray().Select(value => value.GetSingle())];
        score.CopyTo(critic.Parameters.Weights(critic.Parameters["score.weight"]));
        using Tape judging = new(workers, critic.Parameters);
        Tensor values = judging.Pick(critic.Scores(judging, critic.Hidden(judging, rows.Rows)), counted);
        LossReference.Compare(expected.GetProperty("critic"), judging,
            new ClippedValueLoss().Of(judging, values, Input(judging, "old_values"), Input(judging, "returns")), critic.Parameters);
    }

    [Fact]
    public void ValuesCostTheLargerOfTwoSquares()
    {
        using Workers workers = new(2);
        using Tape tape = new(workers);
        LossPart part = new ClippedValueLoss().Of(tape, Numbers([1, 0.5f]), Numbers([0, 0.4f]), Numbers([2, 0.4f]));
        Assert.Equal(2, part.Weight);
        // 0.2 is as far as the first may move: (0.2 − 2)² is more than (1 − 2)²; the second is within.
        Assert.Equal((1.8 * 1.8 + 0.1 * 0.1) / 2, tape[part.Sum][0], 1e-6);

        Tensor Numbers(float[] numbers) => tape.Input(new Shape(numbers.Length), numbers);
    }

    [Fact]
    public void WhatALossCannotTakeIsNamed()
    {
        Named("dapo: β must not be negative, but it is -1", new TokenPolicyLoss { Beta = -1 }.Validate);
        Named("grpo: ε_l must lie in [0, 1], but it is 2", new GroupPolicyLoss { EpsilonLow = 2 }.Validate);
        Named("grpo: ε_h must not be negative, but it is -1", new GroupPolicyLoss { EpsilonHigh = -1 }.Validate);
        Named("ppo: δ must be above 1 + ε_h = 1.5, but it is 1.4", new ProximalPolicyLoss { EpsilonHigh = 0.5, Delta = 1.4 }.Validate);
        Named("dr_grpo: the longest answer must have at least one token, but it has 0", new LengthFreePolicyLoss { LongestAnswer = 0 }.Validate);
        Named("cispo: the largest weight must be above 0, but it is 0", new ClippedImportanceLoss { LargestWeight = 0 }.Validate);
        Named("value loss: the clip must not be negative, but it is -1", new ClippedValueLoss { Clip = -1 }.Validate);
        using Workers workers = new(2);
        using Tape tape = new(workers);
        Tensor three = tape.Input(new Shape(3), [-1, -2, -3]), two = tape.Input(new Shape(2), [-1, -2]);
        Named("grpo: answers of 4 tokens in all do not fit the 3 logs of the policy", () => Of(new(three, three, null, three, new[] { 1, 3 })));
        Named("grpo: 2 old logs and 3 advantages do not fit the 3 logs of the policy", () => Of(new(three, two, null, three, new[] { 3 })));
        Named("grpo: β is 0.1, so the 3 tokens need logs of the reference, but there are 0", () => Of(new(three, three, null, three, new[] { 3 })));

        void Of(PolicyLogs logs) => new GroupPolicyLoss { Beta = 0.1 }.Of(tape, logs);

        static void Named(string problem, Action call) => Assert.Equal(problem, Assert.Throws<ArgumentException>(call).Message);
    }

    private static Tensor Input(Tape tape, string what)
    {
        float[] numbers = [.. Answers.SelectMany(answer => answer.GetProperty(what).EnumerateArray()).Select(number => number.GetSingle())];
        return tape.Input(new Shape(numbers.Length), numbers);
    }
}
