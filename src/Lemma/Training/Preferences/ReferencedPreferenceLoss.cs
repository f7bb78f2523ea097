using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>A loss beside a reference: a formula of the index over the four logs of each pair.</summary>
public abstract record ReferencedPreferenceLoss : PreferenceLoss
{
    /// <summary>β: how strongly the policy is held to the reference, above 0.</summary>
    public double Beta { get; init; } = 0.1;

    internal override double? RewardScale => Beta;

    /// <inheritdoc/>
    public override Tensor Sum(Tape tape, in PairLogs logs)
    {
        Tensor mean = tape.Apply(Formula, Numbers, ("policy_chosen", logs.Chosen), ("policy_rejected", logs.Rejected),
            ("reference_chosen", logs.ReferenceChosen), ("reference_rejected", logs.ReferenceRejected));
        return tape.Scale(mean, logs.Count);
    }

    /// <inheritdoc/>
    public override void Validate() => Require.That(Beta > 0 && double.IsFinite(Beta), $"{Name}: β must be above 0, but it is {Beta}");

    private protected abstract Formula Formula { get; }

    private protected virtual Dictionary<string, object> Numbers => new() { ["beta"] = Beta };
}

/// <summary>A loss whose labels may be wrong.</summary>
public abstract record SmoothedPreferenceLoss : ReferencedPreferenceLoss
{
    /// <summary>ε: how likely a label is the wrong way round.</summary>
    public double LabelSmoothing { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(LabelSmoothing is >= 0 and < 0.5, $"{Name}: the label smoothing must lie in [0, 0.5), but it is {LabelSmoothing}");
    }

    private protected override Dictionary<string, object> Numbers => new() { ["beta"] = Beta, ["label_smoothing"] = LabelSmoothing };
}
