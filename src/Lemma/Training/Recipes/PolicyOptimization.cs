using Lemma.Compute;
using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Text;

namespace Lemma.Training;

/// <summary>Reinforcement learning: the policy answers prompts, answers get rewards, and what led to better ones becomes likelier.</summary>
/// <remarks>
/// GRPO and its kin, RLOO and REINFORCE++, by the records of loss and advantages. A round: answers are drawn, judged and read in some passes, for some
/// epochs. Sampler and trainer are one engine with equal bits, so in the first pass over fresh answers every ratio π/π_old is exactly 1.
/// </remarks>
public sealed class PolicyOptimization : Recipe, IDisposable
{
    private const ulong DrawStream = 0x726F6C6C_00000000, OrderStream = 0x6F726465_00000000, PromptStream = 0x70726F6D_00000000;
    private readonly Decoder policy;
    private readonly Decoder? reference;
    private readonly IReadOnlyList<PolicyPrompt> training, validation;
    private readonly PolicyReward reward;
    private readonly Tokenizer tokenizer;
    private readonly PolicyOptimizationOptions options;
    private readonly RolloutMaker maker;
    private readonly Tape? referenceTape;
    private PolicyRound? round;
    private double divergence, tokens;

    /// <summary>Learns from the answers to some prompts and is judged by those to others.</summary>
    /// <param name="policy">The policy, with its weights as they are, and its adapter where one is applied.</param>
    /// <param name="training">The prompts that it learns from.</param>
    /// <param name="validation">The prompts that it is judged by.</param>
    /// <param name="reward">How good an answer is.</param>
    /// <param name="tokenizer">Makes answers text.</param>
    /// <param name="workers">Who draws.</param>
    /// <param name="options">How.</param>
    /// <param name="reference">What the divergence is measured from; null where nothing is. Another model than the policy.</param>
    public PolicyOptimization(Decoder policy, IReadOnlyList<PolicyPrompt> training, IReadOnlyList<PolicyPrompt> validation, PolicyReward reward,
        Tokenizer tokenizer, Workers workers, PolicyOptimizationOptions options, Decoder? reference = null)
    {
        (this.policy, this.training, this.validation, this.reward, this.tokenizer) = (policy, training, validation, reward, tokenizer);
        (this.options, this.reference) = (options.Validate(), reference);
        Require.That(training.Count > 0 && validation.Count > 0,
            $"{Name}: there must be prompts, but there are {training.Count} to learn from and {validation.Count} to judge by");
        Require.That(!options.Loss.NeedsReference || reference is not null, $"{Name}: the loss has a divergence from a reference, but there is none");
        Require.That(!ReferenceEquals(policy, reference), $"{Name}: the reference must be another model than the policy, which moves");
        Require.That(reference is null || reference.VocabularySize == policy.VocabularySize,
            $"{Name}: the reference has {reference?.VocabularySize} ids and the policy {policy.VocabularySize}");
        maker = new RolloutMaker(policy, workers, options.Together, Math.Min(tokenizer.VocabularySize, policy.VocabularySize));
        referenceTape = reference is null ? null : new Tape(workers, reference.Parameters) { Recording = false };
    }

    /// <inheritdoc/>
    public override string Name => options.Loss.Name;

    /// <inheritdoc/>
    public override Model Model => policy;

    private int PassesOfRound => options.Epochs * options.PassesOfRound;

    /// <summary>Of the round that was read last the mean reward, length and entropy of the answers; of the step the divergence from the reference.</summary>
    public override IReadOnlyList<Metric> Metrics => round is null ? [] :
    [
        new("reward", round.Rewards.Average(value => (double)value)),
        new("answer_length", round.Rollouts.Average(rollout => (double)rollout.Length)),
        new("entropy", round.Entropy),
        new("ended", round.Rollouts.Average(rollout => rollout.IsEnded ? 1.0 : 0)),
        .. reference is null ? Array.Empty<Metric>() : [new Metric("divergence", divergence / Math.Max(1, tokens))],
    ];

    /// <inheritdoc/>
    public override DataPlace PlaceAfter(long passes) =>
        DataPlace.After((passes + PassesOfRound - 1) / PassesOfRound * options.Prompts, training.Count);

    /// <inheritdoc/>
    public override void BeforeStep(Tape tape, long step) => (divergence, tokens) = (0, 0);

    /// <inheritdoc/>
    public override LossPart Pass(Tape tape, long number, Philox random)
    {
        (long wanted, long within) = Math.DivRem(number, PassesOfRound);
        if (round?.Number != wanted)
            round = NewRound(wanted);
        (int epoch, int part) = ((int)within / options.PassesOfRound, (int)within % options.PassesOfRound);
        int count = round.Rollouts.Length, first = (int)((long)part * count / options.PassesOfRound), end = (int)((part + 1L) * count / options.PassesOfRound);
        Permutation order = new(count, options.Seed, OrderStream + (ulong)(wanted * options.Epochs + epoch));
        int[] some = [.. Enumerable.Range(first, end - first).Select(place => options.PassesOfRound == 1 ? place : (int)order[place])];
        some = [.. some.Where(answer => !options.LeavesOutCutAnswers || round.Rollouts[answer].IsEnded)];
        if (some.Length == 0)
            return new LossPart(tape.Input(new Shape(1), [0]), 0);
        return Read(tape, [.. some]);
    }

    /// <summary>The mean reward of the likeliest answers to the validation prompts.</summary>
    public override Score Judge(Tape tape)
    {
        Rollout[] rollouts = maker.Make([.. validation.Select(prompt => prompt.Ids)], 1, options.LongestAnswer, random: null);
        double sum = 0;
        foreach (Rollout rollout in rollouts)
            sum += RewardOf(validation[rollout.Prompt], rollout);
        return new Score("validation_reward", sum / rollouts.Length, IsHigherBetter: true,
            Others: [new Metric("validation_length", rollouts.Average(rollout => (double)rollout.Length))]);
    }

    /// <inheritdoc/>
    public override void WriteState(string folder) => round?.Write(folder);

    /// <inheritdoc/>
    public override void ReadState(string folder, long passes)
    {
        if (passes % PassesOfRound == 0)
            return;
        round = PolicyRound.Read(folder);
        Require.That(round.Number == passes / PassesOfRound && round.Rollouts.All(rollout => rollout.Ids.All(id => (uint)id < (uint)policy.VocabularySize)),
            $"resume: the answers in '{folder}' are of round {round.Number}, but pass {passes} is of round {passes / PassesOfRound}");
    }

    /// <summary>Gives the memory of drawing back.</summary>
    public void Dispose()
    {
        maker.Dispose();
        referenceTape?.Dispose();
    }

    private LossPart Read(Tape tape, int[] some)
    {
        Rollout[] rollouts = [.. some.Select(answer => round!.Rollouts[answer])];
        ExampleRows rows = ExampleRows.Of([.. rollouts.Select(rollout => rollout.ToExample())]);
        TokensRead += rows.Targets.Length;
        // Dropout would make the policy another one than the one that drew.
        Tensor losses = policy.Losses(tape, rows.Rows, rows.Targets, out Tensor? balance);
        int[] places = rows.Counted();
        Tensor logs = tape.Scale(tape.Pick(losses, places), -1);
        Shape shape = new(places.Length);
        Tensor? referenceLogs = round!.ReferenceLogs.Length == 0 ? null : tape.Input(shape, [.. some.SelectMany(answer => round.ReferenceLogs[answer])]);
        Count(tape, logs, referenceLogs);
        PolicyLogs given = new(logs, tape.Input(shape, [.. rollouts.SelectMany(rollout => rollout.Logs)]), referenceLogs,
            tape.Input(shape, [.. some.SelectMany(answer => Enumerable.Repeat(round.Advantages[answer], round.Rollouts[answer].Length))]),
            rollouts.Select(rollout => rollout.Length).ToArray());
        LossPart part = options.Loss.Of(tape, given);
        return balance is { } share ? part with { Sum = tape.AddScaled(part.Sum, share, (float)part.Weight) } : part;
    }

    // k₃ of what was drawn: e^d − d − 1, d = ln π_ref − ln π.
    private void Count(Tape tape, Tensor logs, Tensor? referenceLogs)
    {
        if (referenceLogs is not { } from)
            return;
        divergence += DivergenceK3.Forward(tape[logs], tape[from]) * logs.Shape.Count;
        tokens += logs.Shape.Count;
    }

    private PolicyRound NewRound(long number)
    {
        List<Rollout> kept = [];
        List<float> rewards = [];
        (double entropy, double drawn) = (0, 0);
        for (int attempt = 0; attempt <= options.FurtherRounds && kept.Count < options.Prompts * options.Group; attempt++)
        {
            PolicyPrompt[] prompts = [.. Enumerable.Range(0, options.Prompts).Select(i => PromptAt(number * options.Prompts + i, attempt))];
            Philox random = new Philox(options.Seed, DrawStream).Split((ulong)number).Split((ulong)attempt);
            Rollout[] rollouts = maker.Make([.. prompts.Select(prompt => prompt.Ids)], options.Group, options.LongestAnswer, random);
            int ids = rollouts.Sum(rollout => rollout.Length);
            (entropy, drawn) = (entropy + maker.Entropy * ids, drawn + ids);
            float[] own = [.. rollouts.Select(rollout => (float)RewardOf(prompts[rollout.Prompt], rollout))];
            for (int first = 0; first < own.Length && kept.Count < options.Prompts * options.Group; first += options.Group)
            {
                // A group of equal rewards has advantages of 0 and teaches nothing.
                if (options.FurtherRounds > 0 && own.AsSpan(first, options.Group).IndexOfAnyExcept(own[first]) < 0 && attempt < options.FurtherRounds)
                    continue;
                kept.AddRange(rollouts.AsSpan(first, options.Group));
                rewards.AddRange(own.AsSpan(first, options.Group));
            }
        }
        float[] advantages = new float[kept.Count];
        options.Advantages.Fill([.. rewards], options.Group, advantages);
        return new PolicyRound(number, entropy / drawn, [.. kept], [.. rewards], advantages, ReferenceOf(kept));
    }

    // Each prompt once an epoch, in a new order; further attempts of a round have orders of their own.
    private PolicyPrompt PromptAt(long place, int attempt)
    {
        (long epoch, long at) = Math.DivRem(place, training.Count);
        return training[(int)new Permutation(training.Count, options.Seed, PromptStream + ((ulong)attempt << 24) + (ulong)epoch)[at]];
    }

    private double RewardOf(PolicyPrompt prompt, Rollout rollout)
    {
        PolicyAnswer answer = PolicyRewards.AnswerOf(rollout, tokenizer);
        double value;
        try
        {
            value = reward(prompt, answer);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new TrainingFailedException($"{Name}: the reward of the answer \"{Short(answer.Text)}\" to \"{Short(prompt.Text)}\" "
                + $"threw {e.GetType().Name}: {e.Message}", e);
        }
        return float.IsFinite((float)value) ? value
            : throw new TrainingFailedException($"{Name}: the reward of the answer \"{Short(answer.Text)}\" to \"{Short(prompt.Text)}\" is {value}");
    }

    private static string Short(string text) => text.Length <= 80 ? text : $"…{text[^80..]}";

    private float[][] ReferenceOf(List<Rollout> rollouts)
    {
        if (reference is null)
            return [];
        List<float[]> logs = [];
        for (int first = 0; first < rollouts.Count; first += options.Together)
        {
            Rollout[] some = [.. rollouts.Skip(first).Take(options.Together)];
            ExampleRows rows = ExampleRows.Of([.. some.Select(rollout => rollout.ToExample())]);
            ReadOnlySpan<float> losses = referenceTape![reference.Losses(referenceTape, rows.Rows, rows.Targets, out _)];
            foreach (Rollout rollout in some)
            {
                float[] own = losses.Slice(rollout.PromptLength - 1, rollout.Length).ToArray();
                logs.Add([.. own.Select(loss => -loss)]);
                losses = losses[(rollout.Ids.Length - 1)..];
            }
            referenceTape.Rewind();
        }
        return [.. logs];
    }
}
