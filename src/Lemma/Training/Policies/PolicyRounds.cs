using Lemma.Compute;
using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Text;

namespace Lemma.Training;

/// <summary>Rounds of a policy's answers: prompts in a seeded order, answers drawn, rewarded and read by the reference, and parted into passes.</summary>
internal sealed class PolicyRounds : IDisposable
{
    private const ulong DrawStream = 0x726F6C6C_00000000, OrderStream = 0x6F726465_00000000, PromptStream = 0x70726F6D_00000000;
    private readonly string recipe;
    private readonly Decoder policy;
    private readonly Decoder? reference;
    private readonly IReadOnlyList<PolicyPrompt> training, validation;
    private readonly PolicyReward reward;
    private readonly Tokenizer tokenizer;
    private readonly PolicyRoundOptions options;
    private readonly RolloutMaker maker;
    private readonly Tape? referenceTape;

    /// <summary>Rounds of a recipe, whose name errors say.</summary>
    public PolicyRounds(string recipe, Decoder policy, IReadOnlyList<PolicyPrompt> training, IReadOnlyList<PolicyPrompt> validation, PolicyReward reward,
        Tokenizer tokenizer, Workers workers, PolicyRoundOptions options, Decoder? reference)
    {
        (this.recipe, this.policy, this.training, this.validation, this.reward) = (recipe, policy, training, validation, reward);
        (this.tokenizer, this.options, this.reference) = (tokenizer, options, reference);
        Require.That(training.Count > 0 && validation.Count > 0,
            $"{recipe}: there must be prompts, but there are {training.Count} to learn from and {validation.Count} to judge by");
        Require.That(options.Penalty.Beta == 0 || reference is not null, $"{recipe}: the rewards have a divergence from a reference, but there is none");
        Require.That(!ReferenceEquals(policy, reference), $"{recipe}: the reference must be another model than the policy, which moves");
        Require.That(reference is null || reference.VocabularySize == policy.VocabularySize,
            $"{recipe}: the reference has {reference?.VocabularySize} ids and the policy {policy.VocabularySize}");
        maker = new RolloutMaker(policy, workers, options.Together, Math.Min(tokenizer.VocabularySize, policy.VocabularySize));
        referenceTape = reference is null ? null : new Tape(workers, reference.Parameters) { Recording = false };
    }

    /// <summary>The round that was drawn last; null before the first.</summary>
    public PolicyRound? Last { get; private set; }

    /// <summary>Of the last round the mean reward, length and entropy of the answers, and the share that ended by themselves.</summary>
    public IReadOnlyList<Metric> Metrics => Last is not { } round ? [] :
    [
        new("reward", round.Rewards.Average(value => (double)value)),
        new("answer_length", round.Rollouts.Average(rollout => (double)rollout.Length)),
        new("entropy", round.Entropy),
        new("ended", round.Rollouts.Average(rollout => rollout.IsEnded ? 1.0 : 0)),
    ];

    private int Passes => options.Epochs * options.PassesOfRound;

    /// <summary>Where in the prompts a number of passes ends.</summary>
    public DataPlace PlaceAfter(long passes) => DataPlace.After((passes + Passes - 1) / Passes * options.Prompts, training.Count);

    /// <summary>The round of a pass, drawn where the pass begins it.</summary>
    /// <param name="pass">The pass, from 0.</param>
    /// <param name="weigh">Gives a fresh round its advantages.</param>
    public PolicyRound At(long pass, Func<PolicyRound, PolicyRound> weigh)
    {
        long wanted = pass / Passes;
        if (Last?.Number != wanted)
        {
            double beta = Last is { } before ? options.Penalty.Next(before.Beta, before.Divergence, before.Rollouts.Length) : options.Penalty.Beta;
            Last = weigh(Draw(wanted, beta));
        }
        return Last;
    }

    /// <summary>The answers of the last round that a pass reads: a part of them, in an order of each epoch.</summary>
    public int[] AnswersOf(long pass)
    {
        (int epoch, int part) = Math.DivRem((int)(pass % Passes), options.PassesOfRound);
        int count = Last!.Rollouts.Length, first = (int)((long)part * count / options.PassesOfRound);
        int end = (int)((part + 1L) * count / options.PassesOfRound);
        Permutation order = new(count, options.Seed, OrderStream + (ulong)(Last.Number * options.Epochs + epoch));
        IEnumerable<int> some = Enumerable.Range(first, end - first).Select(place => options.PassesOfRound == 1 ? place : (int)order[place]);
        return [.. some.Where(answer => !options.LeavesOutCutAnswers || Last.Rollouts[answer].IsEnded)];
    }

    /// <summary>The mean reward of the likeliest answers to the validation prompts.</summary>
    public Score Judge()
    {
        Rollout[] rollouts = maker.Make([.. validation.Select(prompt => prompt.Ids)], 1, options.LongestAnswer, random: null);
        double sum = 0;
        foreach (Rollout rollout in rollouts)
            sum += RewardOf(validation[rollout.Prompt], rollout);
        return new Score("validation_reward", sum / rollouts.Length, IsHigherBetter: true,
            Others: [new Metric("validation_length", rollouts.Average(rollout => (double)rollout.Length))]);
    }

    /// <summary>Reads the round that stood in a checkpoint, before the pass of a number.</summary>
    public void Read(string folder, long passes)
    {
        if (passes == 0)
            return;
        long due = (passes - 1) / Passes;
        Last = PolicyRound.Read(folder);
        Require.That(Last.Number == due && Last.Rollouts.All(rollout => rollout.Ids.All(id => (uint)id < (uint)policy.VocabularySize)),
            $"resume: the answers in '{folder}' are of round {Last.Number}, but pass {passes - 1} is of round {due}");
    }

    /// <summary>Gives the memory of drawing back.</summary>
    public void Dispose()
    {
        maker.Dispose();
        referenceTape?.Dispose();
    }

    private PolicyRound Draw(long number, double beta)
    {
        List<Rollout> kept = [];
        List<float> rewards = [];
        (double entropy, double drawn) = (0, 0);
        for (int attempt = 0; attempt <= options.MoreAttempts && kept.Count < options.Prompts * options.Group; attempt++)
        {
            PolicyPrompt[] prompts = [.. Enumerable.Range(0, options.Prompts).Select(i => PromptAt(number * options.Prompts + i, attempt))];
            Philox random = new Philox(options.Seed, DrawStream).Split((ulong)number).Split((ulong)attempt);
            Rollout[] rollouts = maker.Make([.. prompts.Select(prompt => prompt.Ids)], options.Group, options.LongestAnswer, random);
            int ids = rollouts.Sum(rollout => rollout.Length);
            (entropy, drawn) = (entropy + maker.Entropy * ids, drawn + ids);
            float[] own = [.. rollouts.Select(rollout => (float)RewardOf(prompts[rollout.Prompt], rollout))], penalties = Penalties(rollouts);
            for (int first = 0; first < own.Length && kept.Count < options.Prompts * options.Group; first += options.Group)
            {
                // A group of equal rewards has advantages of 0 and teaches nothing.
                if (options.MoreAttempts > 0 && own.AsSpan(first, options.Group).IndexOfAnyExcept(own[first]) < 0 && attempt < options.MoreAttempts)
                    continue;
                kept.AddRange(rollouts.AsSpan(first, options.Group));
                rewards.AddRange(Enumerable.Range(first, options.Group).Select(answer => own[answer] + penalties[answer]));
            }
        }
        return new PolicyRound(number, entropy / drawn, beta, [.. kept], [.. rewards], ReferenceOf(kept));
    }

    private float[] Penalties(Rollout[] rollouts)
    {
        float[] penalties = new float[rollouts.Length];
        if (options.OverlongMargin > 0)
            OverlongPenalty.Forward([.. rollouts.Select(rollout => (float)rollout.Length)], options.LongestAnswer, options.OverlongMargin, penalties);
        return penalties;
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
            throw new TrainingFailedException($"{recipe}: the reward of the answer \"{Short(answer.Text)}\" to \"{Short(prompt.Text)}\" "
                + $"threw {e.GetType().Name}: {e.Message}", e);
        }
        return float.IsFinite((float)value) ? value
            : throw new TrainingFailedException($"{recipe}: the reward of the answer \"{Short(answer.Text)}\" to \"{Short(prompt.Text)}\" is {value}");
    }

    private static string Short(string text) => text.Length <= 80 ? text : $"…{text[^80..]}";

    private float[][] ReferenceOf(List<Rollout> rollouts)
    {
        if (reference is null)
            return [];
        List<float[]> logs = [];
        foreach (Rollout[] some in rollouts.Chunk(options.Together))
        {
            ExampleRows rows = ExampleRows.Of([.. some.Select(rollout => rollout.ToExample())]);
            ReadOnlySpan<float> losses = referenceTape![reference.Losses(referenceTape, rows.Rows, rows.Targets)];
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
