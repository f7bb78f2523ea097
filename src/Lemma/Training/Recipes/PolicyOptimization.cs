using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Text;

namespace Lemma.Training;

/// <summary>Reinforcement learning: the policy answers prompts, answers get rewards, and what led to better ones becomes likelier.</summary>
/// <remarks>
/// GRPO and its kin, RLOO and REINFORCE++, by the records of loss and advantages; without a critic. A round: answers are drawn, judged and read in some
/// passes, for some epochs. Sampler and trainer are one engine with equal bits, so in the first pass over fresh answers every ratio π/π_old is exactly 1.
/// </remarks>
public sealed class PolicyOptimization : Recipe, IDisposable
{
    private readonly Decoder policy;
    private readonly PolicyOptimizationOptions options;
    private readonly PolicyRounds rounds;
    private double divergence, clipped, tokens;

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
        (this.policy, this.options) = (policy, options.Validate());
        Require.That(!options.Loss.NeedsReference || reference is not null, $"{Name}: the loss has a divergence from a reference, but there is none");
        rounds = new PolicyRounds(Name, policy, training, validation, reward, tokenizer, workers, options, reference);
    }

    /// <inheritdoc/>
    public override string Name => options.Loss.Name;

    /// <inheritdoc/>
    public override Model Model => policy;

    /// <summary>
    /// Of the round that was read last the mean reward, length and entropy of the answers; of the step the divergence from the reference and the share
    /// of tokens whose ratio was clipped.
    /// </summary>
    public override IReadOnlyList<Metric> Metrics => rounds.Last is not { } round ? [] :
    [
        .. rounds.Metrics,
        .. round.ReferenceLogs.Length == 0 ? Array.Empty<Metric>() : [new Metric("divergence", divergence / Math.Max(1, tokens))],
        .. options.Loss.Clips ? [new Metric("clip_share", clipped / Math.Max(1, tokens))] : Array.Empty<Metric>(),
    ];

    /// <inheritdoc/>
    public override DataPlace PlaceAfter(long passes) => rounds.PlaceAfter(passes);

    /// <inheritdoc/>
    public override void BeforeStep(Tape tape, long step) => (divergence, clipped, tokens) = (0, 0, 0);

    /// <inheritdoc/>
    public override LossPart Pass(Tape tape, long number, Philox random)
    {
        PolicyRound round = rounds.At(number, Weigh);
        int[] some = rounds.AnswersOf(number);
        if (some.Length == 0)
            return new LossPart(tape.Input(new Shape(1), [0]), 0);
        ExampleRows rows = round.RowsOf(some);
        TokensRead += rows.Targets.Length;
        // Dropout would make the policy another one than the one that drew.
        Tensor logs = tape.Scale(tape.Pick(policy.Losses(tape, rows.Rows, rows.Targets), rows.Counted()), -1);
        PolicyLogs given = round.LogsOf(tape, some, logs);
        (tokens, clipped) = (tokens + logs.Shape.Count, clipped + options.Loss.ClippedTokens(tape, given));
        // k₃ of what was drawn: e^d − d − 1, d = ln π_ref − ln π.
        divergence += given.Reference is { } from ? DivergenceK3.Forward(tape[logs], tape[from]) * logs.Shape.Count : 0;
        return options.Loss.Of(tape, given);
    }

    /// <summary>The mean reward of the likeliest answers to the validation prompts.</summary>
    public override Score Judge(Tape tape) => rounds.Judge();

    /// <inheritdoc/>
    public override void WriteState(string folder) => rounds.Last?.Write(folder);

    /// <inheritdoc/>
    public override void ReadState(string folder, long passes) => rounds.Read(folder, passes);

    /// <summary>Gives the memory of drawing back.</summary>
    public void Dispose() => rounds.Dispose();

    // An advantage of an answer is that of each of its tokens, unless tokens have rewards of their own.
    private PolicyRound Weigh(PolicyRound round)
    {
        if (round.Beta == 0)
        {
            float[] advantages = new float[round.Rewards.Length];
            options.Advantages.Fill(round.Rewards, options.Group, advantages);
            return round with { Advantages = [.. round.Rollouts.Select((rollout, i) => Enumerable.Repeat(advantages[i], rollout.Length).ToArray())] };
        }
        int[] lengths = [.. round.Rollouts.Select(rollout => rollout.Length)];
        float[] ofTokens = new float[lengths.Sum()];
        GlobalAdvantage.Forward(round.Rewards, lengths, [.. round.Rollouts.SelectMany(rollout => rollout.Logs)], [.. round.ReferenceLogs.SelectMany(logs => logs)],
            round.Beta, ((WhitenedAdvantages)options.Advantages).Epsilon, ofTokens);
        return round with { Advantages = round.Split(ofTokens) };
    }
}
