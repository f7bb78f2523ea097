using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Formats;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Text;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>PPO: the policy answers prompts, a critic learns what each token's state is worth, and what did better than that becomes likelier.</summary>
/// <remarks>
/// A round: answers are drawn and judged, each token is rewarded by −β·(ln π − ln π_ref) and the last by the answer's reward, advantages are those
/// of <see cref="GeneralizedAdvantage"/> over the critic's values, whitened over the round. Behind the last token nothing comes, whether the answer
/// ended by itself or not. Then policy and critic read the answers in some passes, for some epochs. Schulman et al. 2017; for language models Ziegler
/// et al. 2019.
/// </remarks>
public sealed class ProximalPolicyOptimization : Recipe, IDisposable
{
    private readonly Decoder policy, critic;
    private readonly ProximalPolicyOptions options;
    private readonly PolicyRounds rounds;
    private readonly Tape criticTape;
    private readonly Optimizer optimizer;
    private double valueLoss, clipped, tokens;

    /// <summary>Learns from the answers to some prompts and is judged by those to others.</summary>
    /// <param name="policy">The policy, with its weights as they are, and its adapter where one is applied.</param>
    /// <param name="critic">A decoder with one score a row, which learns beside the policy: the policy's weights (<see cref="Decoder.WithScores"/>), or
    /// a reward model.</param>
    /// <param name="training">The prompts that it learns from.</param>
    /// <param name="validation">The prompts that it is judged by.</param>
    /// <param name="reward">How good an answer is.</param>
    /// <param name="tokenizer">Makes answers text.</param>
    /// <param name="workers">Who draws, and runs the critic.</param>
    /// <param name="options">How.</param>
    /// <param name="reference">What the divergence is measured from; null where nothing is. Another model than the policy.</param>
    public ProximalPolicyOptimization(Decoder policy, Decoder critic, IReadOnlyList<PolicyPrompt> training, IReadOnlyList<PolicyPrompt> validation,
        PolicyReward reward, Tokenizer tokenizer, Workers workers, ProximalPolicyOptions options, Decoder? reference = null)
    {
        (this.policy, this.critic, this.options) = (policy, critic, options.Validate());
        Require.That(!ReferenceEquals(policy, critic) && !ReferenceEquals(critic, reference),
            $"{Name}: the critic must be another model than policy and reference");
        Require.That(critic.Config.Scores == 1, $"{Name}: the critic must have one score a row, but it has {critic.Config.Scores}");
        Require.That(critic.VocabularySize == policy.VocabularySize && critic.MaximumLength >= policy.MaximumLength,
            $"{Name}: the critic reads {critic.VocabularySize} ids in sequences of {critic.MaximumLength}, but the policy {policy.VocabularySize} "
            + $"in {policy.MaximumLength}");
        Require.That(!options.Loss.NeedsReference || reference is not null, $"{Name}: the loss has a divergence from a reference, but there is none");
        rounds = new PolicyRounds(Name, policy, training, validation, reward, tokenizer, workers, options, reference);
        criticTape = new Tape(workers, critic.Parameters);
        optimizer = options.CriticOptimizer.Make(critic.Parameters, workers);
    }

    /// <inheritdoc/>
    public override string Name => "ppo";

    /// <inheritdoc/>
    public override Model Model => policy;

    /// <summary>
    /// Of the round that was read last the mean reward, length and entropy of the answers, their divergence Σ ln π − ln π_ref from the reference with
    /// its β, and the share of the returns' variance that the critic had foreseen; of the step the critic's loss and the share of tokens whose ratio
    /// was clipped.
    /// </summary>
    public override IReadOnlyList<Metric> Metrics => rounds.Last is not { } round ? [] :
    [
        .. rounds.Metrics, new("kl", round.Divergence), new("kl_coefficient", round.Beta), new("explained_variance", Foreseen(round)),
        new("value_loss", valueLoss / Math.Max(1, tokens)), new("clip_share", clipped / Math.Max(1, tokens)),
    ];

    /// <inheritdoc/>
    public override DataPlace PlaceAfter(long passes) => rounds.PlaceAfter(passes);

    /// <inheritdoc/>
    public override void BeforeStep(Tape tape, long step)
    {
        (valueLoss, clipped, tokens) = (0, 0, 0);
        critic.Parameters.ForgetGradients();
    }

    /// <inheritdoc/>
    public override LossPart Pass(Tape tape, long number, Philox random)
    {
        PolicyRound round = rounds.At(number, Weigh);
        int[] some = rounds.AnswersOf(number);
        if (some.Length == 0)
            return new LossPart(tape.Input(new Shape(1), [0]), 0);
        ExampleRows rows = round.RowsOf(some);
        TokensRead += rows.Targets.Length;
        ReadByCritic(round, some, rows);
        (Tensor logs, Tensor? entropies) = ReadByPolicy(tape, rows);
        PolicyLogs given = round.LogsOf(tape, some, logs);
        (tokens, clipped) = (tokens + logs.Shape.Count, clipped + options.Loss.ClippedTokens(tape, given));
        LossPart part = options.Loss.Of(tape, given);
        return entropies is not { } spread ? part
            : part with { Sum = tape.AddScaled(part.Sum, tape.Sum(spread), (float)(-options.EntropyWeight * part.Weight / logs.Shape.Count)) };
    }

    /// <summary>Steps the critic.</summary>
    public override void AfterStep(long step)
    {
        try
        {
            optimizer.Step(options.CriticLearningRate, 1 / tokens);
        }
        catch (ArithmeticException e)
        {
            throw new TrainingFailedException($"{Name}: the critic in step {step}: {e.Message}", e);
        }
    }

    /// <summary>The mean reward of the likeliest answers to the validation prompts.</summary>
    public override Score Judge(Tape tape) => rounds.Judge();

    /// <inheritdoc/>
    public override void WriteState(string folder)
    {
        rounds.Last?.Write(folder);
        string own = Path.Combine(folder, "critic");
        Directory.CreateDirectory(own);
        new TrainingState { Step = optimizer.StepsTaken, Epoch = 0, Position = 0, Seed = options.Seed, Recipe = "critic" }
            .WriteInto(own, critic.Parameters, Kept);
    }

    /// <inheritdoc/>
    public override void ReadState(string folder, long passes)
    {
        rounds.Read(folder, passes);
        optimizer.StepsTaken = TrainingState.Read(Path.Combine(AtomicFolder.Resolve(folder), "critic"), critic.Parameters, Kept).Step;
    }

    /// <summary>Gives the memory of drawing and of the critic's passes back.</summary>
    public void Dispose()
    {
        rounds.Dispose();
        criticTape.Dispose();
    }

    private StateTensor[] Kept =>
    [
        .. critic.Parameters.All.Select(parameter => StateTensor.Like("weight", parameter, () => critic.Parameters.Weights(parameter))),
        .. optimizer.State,
    ];

    // The share of the variance of what came that was known before.
    private static double Foreseen(PolicyRound round)
    {
        float[] returns = [.. round.Returns.SelectMany(own => own)], values = [.. round.Values.SelectMany(own => own)];
        double[] errors = [.. returns.Select((came, i) => (double)came - values[i])];
        double whole = Variance([.. returns.Select(came => (double)came)]);
        return whole == 0 ? 0 : 1 - Variance(errors) / whole;

        static double Variance(double[] numbers)
        {
            double mean = numbers.Average();
            return numbers.Average(number => (number - mean) * (number - mean));
        }
    }

    private PolicyRound Weigh(PolicyRound round)
    {
        float[][] rewards = round.TokenRewards(), values = ValuesOf(round);
        float[][] advantages = [.. rewards.Select((own, answer) =>
        {
            float[] given = new float[own.Length];
            GeneralizedAdvantage.Forward(own, [.. values[answer], 0], own.Length, options.Gamma, options.Lambda, given);
            return given;
        })];
        float[] all = [.. advantages.SelectMany(own => own)], whitened = new float[all.Length];
        WhitenedAdvantage.Forward(all, options.Epsilon, keepsMean: false, whitened);
        return round with
        {
            Advantages = round.Split(whitened),
            Values = values,
            Returns = [.. advantages.Select((own, answer) => own.Select((advantage, i) => advantage + values[answer][i]).ToArray())],
        };
    }

    // V of each id of each answer: the score of the row before it.
    private float[][] ValuesOf(PolicyRound round)
    {
        List<float[]> values = [];
        criticTape.Recording = false;
        foreach (int[] some in Enumerable.Range(0, round.Rollouts.Length).Chunk(options.Together))
        {
            ReadOnlySpan<float> left = criticTape[Scores(round.RowsOf(some))];
            foreach (int answer in some)
            {
                values.Add(left[..round.Rollouts[answer].Length].ToArray());
                left = left[round.Rollouts[answer].Length..];
            }
            criticTape.Rewind();
        }
        criticTape.Recording = true;
        return [.. values];
    }

    private Tensor Scores(ExampleRows rows) => criticTape.Pick(critic.Scores(criticTape, critic.Hidden(criticTape, rows.Rows)), rows.Counted());

    // The gradients of a step's passes add up in the critic's parameters.
    private void ReadByCritic(PolicyRound round, int[] some, ExampleRows rows)
    {
        Tensor values = Scores(rows);
        LossPart part = options.ValueLoss.Of(criticTape, values, PolicyRound.Of(criticTape, some, round.Values),
            PolicyRound.Of(criticTape, some, round.Returns));
        float loss = criticTape[part.Sum][0];
        if (!float.IsFinite(loss))
            throw new TrainingFailedException($"{Name}: the loss of the critic is {loss / part.Weight}; {FiniteCheck.Describe(critic.Parameters)}");
        valueLoss += loss;
        criticTape.Backward(critic.Balanced(criticTape, part).Sum);
        criticTape.Rewind();
    }

    // Without dropout, which would make the policy another one than the one that drew. Where entropies count, logits are computed instead of losses
    // alone; the logs have the same bits.
    private (Tensor Logs, Tensor? Entropies) ReadByPolicy(Tape tape, ExampleRows rows)
    {
        int[] places = rows.Counted();
        if (options.EntropyWeight == 0)
            return (tape.Scale(tape.Pick(policy.Losses(tape, rows.Rows, rows.Targets), places), -1), null);
        Tensor logits = policy.LogitsOf(tape, policy.Hidden(tape, rows.Rows), places);
        int[] ids = [.. places.Select(place => rows.Targets.Span[place])];
        return (tape.Scale(tape.CrossEntropy(logits, ids), -1), tape.Entropies(logits));
    }
}
