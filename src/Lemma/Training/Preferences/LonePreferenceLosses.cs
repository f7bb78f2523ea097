using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>SimPO: −ln σ(β·(a_w − a_l) − γ), a the mean log of an answer's tokens; no reference.</summary>
/// <remarks>β and γ are of the paper's range; TRL's, 0.1 and 0.5, are those of another loss of its trainer.</remarks>
public sealed record SimplePreferenceLoss : PreferenceLoss
{
    /// <summary>β: scale of the reward, above 0.</summary>
    public double Beta { get; init; } = 2;

    /// <summary>γ: the margin.</summary>
    public double Gamma { get; init; } = 1;

    /// <inheritdoc/>
    public override string Name => "simpo";

    /// <inheritdoc/>
    public override bool NeedsReference => false;

    /// <inheritdoc/>
    public override Tensor Sum(Tape tape, in PairLogs logs)
    {
        PairLogs means = logs.MeanOfTokens(tape);
        Dictionary<string, object> numbers = new() { ["beta"] = Beta, ["gamma"] = Gamma };
        return tape.Scale(tape.Apply(SimplePreference.Definition, numbers, ("policy_chosen", means.Chosen), ("policy_rejected", means.Rejected)), logs.Count);
    }

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.That(Beta > 0 && double.IsFinite(Beta), $"{Name}: β must be above 0, but it is {Beta}");
        Require.That(double.IsFinite(Gamma), $"{Name}: γ must be a number, but it is {Gamma}");
    }
}

/// <summary>ORPO: −a_w − λ·ln σ(ln(o_w/o_l)), the preferred answer learned as in supervised tuning and its odds made larger; no reference.</summary>
/// <remarks>The first part is a mean over the tokens of each answer, as in the paper; TRL's is one over all tokens of a batch, prompts included.</remarks>
public sealed record OddsRatioPreferenceLoss : PreferenceLoss
{
    /// <summary>λ: weight of the odds ratio; TRL's beta.</summary>
    public double Lambda { get; init; } = 0.1;

    /// <inheritdoc/>
    public override string Name => "orpo";

    /// <inheritdoc/>
    public override bool NeedsReference => false;

    /// <inheritdoc/>
    public override Tensor Sum(Tape tape, in PairLogs logs)
    {
        PairLogs means = logs.MeanOfTokens(tape);
        Dictionary<string, object> numbers = new() { ["lambda_"] = Lambda };
        return tape.Scale(tape.Apply(OddsRatioPreference.Definition, numbers, ("policy_chosen", means.Chosen), ("policy_rejected", means.Rejected)), logs.Count);
    }

    /// <inheritdoc/>
    public override void Validate() => Require.That(Lambda >= 0 && double.IsFinite(Lambda), $"{Name}: λ must not be negative, but it is {Lambda}");
}
