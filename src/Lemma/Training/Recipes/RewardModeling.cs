using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>How a reward model reads its pairs.</summary>
public sealed record RewardModelingOptions
{
    /// <summary>The most rows of one pass, filled by whole pairs.</summary>
    public int RowsOfPass { get; init; } = 2048;

    /// <summary>c of c·(r_w + r_l)², which keeps rewards near 0; 0 for none. Eisenstein et al. 2023, section 3.</summary>
    public double CenterWeight { get; init; }

    /// <summary>The seed of the pairs' order.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public RewardModelingOptions Validate()
    {
        Require.That(RowsOfPass > 0, $"reward: a pass must have at least one row, but it has {RowsOfPass}");
        Require.That(CenterWeight >= 0 && double.IsFinite(CenterWeight), $"reward: the weight of the centering must not be negative, but it is {CenterWeight}");
        return this;
    }
}

/// <summary>A reward model: a number a text, larger for the answer that is preferred. L = −ln σ(r_w − r_l), a mean over pairs.</summary>
/// <remarks>The reward is the first score of a text's last row. Bradley and Terry 1952; Ouyang et al. 2022, eq. 1.</remarks>
public sealed class RewardModeling : Recipe
{
    private static readonly Formula Pairwise = FormulaIndex.Find("reward_pairwise");
    private static readonly Dictionary<string, object> NoNumbers = [];
    private readonly Decoder model;
    private readonly IReadOnlyList<TokenPair> training, validation;
    private readonly RewardModelingOptions options;
    private readonly ExamplePacking packing;
    private double right, pairs;

    /// <summary>Learns from some pairs and is judged by others.</summary>
    /// <param name="model">A decoder with one score (<see cref="Decoder.WithScores"/>).</param>
    /// <param name="training">What it learns from.</param>
    /// <param name="validation">What it is judged by.</param>
    /// <param name="options">How.</param>
    public RewardModeling(Decoder model, IReadOnlyList<TokenPair> training, IReadOnlyList<TokenPair> validation, RewardModelingOptions options)
    {
        (this.model, this.training, this.validation, this.options) = (model, training, validation, options.Validate());
        Require.That(model.Config.Scores == 1, $"reward: the model must have one score a row, but it has {model.Config.Scores}");
        foreach ((IReadOnlyList<TokenPair> set, string what) in new[] { (training, "training"), (validation, "validation") })
            ExampleCheck.Require(Name, model, [.. set.SelectMany(pair => new[] { pair.Chosen, pair.Rejected })], what, readsLast: true);
        packing = new ExamplePacking(training.Select(Length), options.RowsOfPass, options.Seed);
    }

    /// <inheritdoc/>
    public override string Name => "reward";

    /// <inheritdoc/>
    public override Model Model => model;

    /// <summary>The share of pairs whose preferred answer has the larger reward.</summary>
    public override IReadOnlyList<Metric> Metrics => [new("right", right / pairs)];

    /// <inheritdoc/>
    public override DataPlace PlaceAfter(long passes) => DataPlace.After(passes, packing.PassesPerEpoch);

    /// <inheritdoc/>
    public override void BeforeStep(Tape tape, long step) => (right, pairs) = (0, 0);

    /// <inheritdoc/>
    public override LossPart Pass(Tape tape, long number, Philox random)
    {
        TokenPair[] some = [.. packing.At(number).Select(pair => training[pair])];
        TokensRead += some.Sum(Length);
        return Loss(tape, some, random);
    }

    /// <summary>The share of validation pairs that are ranked right, and their loss.</summary>
    public override Score Judge(Tape tape)
    {
        (double Right, double Pairs) step = (right, pairs);
        (right, pairs) = (0, 0);
        double loss = 0;
        foreach (int[] some in ExampleCheck.Batches([.. validation.Select(Length)], options.RowsOfPass))
        {
            loss += tape[Loss(tape, [.. some.Select(pair => validation[pair])], null).Sum][0];
            tape.Rewind();
        }
        Score score = new("validation_right", right / pairs, IsHigherBetter: true, Others: [new Metric("validation_loss", loss / pairs)]);
        (right, pairs) = step;
        return score;
    }

    private static int Length(TokenPair pair) => pair.Chosen.Ids.Length + pair.Rejected.Ids.Length;

    // All chosen answers, then all rejected ones.
    private LossPart Loss(Tape tape, TokenPair[] some, Philox? random)
    {
        TokenExample[] texts = [.. some.Select(pair => pair.Chosen), .. some.Select(pair => pair.Rejected)];
        Rows rows = new(texts.SelectMany(text => text.Ids.ToArray()).ToArray(), texts.Select(text => text.Ids.Length).ToArray());
        Tensor rewards = model.LastScores(tape, rows, random);
        Tensor chosen = tape.Part(rewards, 0, some.Length), rejected = tape.Part(rewards, some.Length, some.Length);
        for (int i = 0; i < some.Length; i++)
            (right, pairs) = (right + (tape[chosen][i] > tape[rejected][i] ? 1 : 0), pairs + 1);
        Tensor sum = tape.Scale(tape.Apply(Pairwise, NoNumbers, ("chosen", chosen), ("rejected", rejected)), some.Length);
        if (options.CenterWeight > 0)
        {
            Tensor both = tape.Add(chosen, rejected);
            sum = tape.AddScaled(sum, tape.Sum(tape.Multiply(both, both)), (float)options.CenterWeight);
        }
        return new LossPart(sum, some.Length);
    }
}
