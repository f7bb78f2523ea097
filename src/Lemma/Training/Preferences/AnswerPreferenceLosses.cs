using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>NCA: each answer told apart from noise.</summary>
public sealed record ContrastivePreferenceLoss : ReferencedPreferenceLoss
{
    /// <inheritdoc/>
    public override string Name => "nca";

    private protected override Formula Formula => ContrastivePreference.Definition;
}

/// <summary>BCO for pairs: a classifier of answers.</summary>
public sealed record ClassifierPreferenceLoss : ReferencedPreferenceLoss
{
    /// <summary>δ, taken from each reward; the paper's is the moving mean of rewards, TRL's for pairs 0.</summary>
    public double Shift { get; init; }

    /// <inheritdoc/>
    public override string Name => "bco";

    private protected override Formula Formula => ClassifierPreference.Definition;

    private protected override Dictionary<string, object> Numbers => new() { ["beta"] = Beta, ["shift"] = Shift };

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(double.IsFinite(Shift), $"{Name}: the shift must be a number, but it is {Shift}");
    }
}

/// <summary>SPPO with certain labels: (r_w − 1/(2β))² + (r_l + 1/(2β))².</summary>
public sealed record SelfPlayPreferenceLoss : ReferencedPreferenceLoss
{
    /// <inheritdoc/>
    public override string Name => "sppo";

    private protected override Formula Formula => SelfPlayPreference.Definition;
}

/// <summary>APO-zero: for answers that are better than the model's own.</summary>
public sealed record AnchoredPreferenceLoss : ReferencedPreferenceLoss
{
    /// <inheritdoc/>
    public override string Name => "apo_zero";

    private protected override Formula Formula => AnchoredPreference.Definition;
}

/// <summary>APO-down: for answers that are worse than the model's own.</summary>
public sealed record AnchoredDownPreferenceLoss : ReferencedPreferenceLoss
{
    /// <inheritdoc/>
    public override string Name => "apo_down";

    private protected override Formula Formula => AnchoredDownPreference.Definition;
}

/// <summary>AOT: the policy's margins over the reference's, as distributions over the pairs of a pass.</summary>
public sealed record TransportPreferenceLoss : SmoothedPreferenceLoss
{
    /// <inheritdoc/>
    public override string Name => "aot";

    private protected override Formula Formula => TransportPreference.Definition;
}

/// <summary>AOT unpaired: rewards of preferred answers over those of the others, as distributions over the pairs of a pass.</summary>
public sealed record UnpairedTransportLoss : SmoothedPreferenceLoss
{
    /// <inheritdoc/>
    public override string Name => "aot_unpaired";

    private protected override Formula Formula => TransportUnpaired.Definition;
}

/// <summary>KTO of the answers of pairs: the divergence z₀ of preferred answers is the mean r of the pass's others, and the reverse.</summary>
/// <remarks>
/// z₀ is at least 0 and a constant, Ethayarajh et al. 2024. A pair's loss is the mean of its answers' losses, so the loss is a mean over answers.
/// Answers that were judged one by one have <see cref="KahnemanTverskyLoss"/>.
/// </remarks>
public sealed record KahnemanTverskyPairLoss : PreferenceLoss
{
    /// <summary>What each answer costs.</summary>
    public KahnemanTverskyLoss OfAnswers { get; init; } = new();

    /// <inheritdoc/>
    public override string Name => OfAnswers.Name;

    internal override double? RewardScale => OfAnswers.Beta;

    /// <inheritdoc/>
    public override Tensor Sum(Tape tape, in PairLogs logs)
    {
        bool[] desirable = new bool[logs.Count];
        Array.Fill(desirable, true);
        double ofChosen = FeedbackLoss.ReferencePointOf(tape[logs.Rejected], tape[logs.ReferenceRejected]);
        double ofRejected = FeedbackLoss.ReferencePointOf(tape[logs.Chosen], tape[logs.ReferenceChosen]);
        Tensor chosen = OfAnswers.Sum(tape, new FeedbackLogs(logs.Chosen, logs.ReferenceChosen, desirable, ofChosen));
        Tensor rejected = OfAnswers.Sum(tape, new FeedbackLogs(logs.Rejected, logs.ReferenceRejected, new bool[logs.Count], ofRejected));
        return tape.Scale(tape.Add(chosen, rejected), 0.5f);
    }

    /// <inheritdoc/>
    public override void Validate() => OfAnswers.Validate();
}
