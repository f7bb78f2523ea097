using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>DPO: −ln σ(β·m), and with label smoothing cDPO.</summary>
public sealed record DirectPreferenceLoss : SmoothedPreferenceLoss
{
    /// <summary>Whether the logs are means over the tokens of an answer (DPO-norm) and not sums.</summary>
    public bool IsMeanOfTokens { get; init; }

    /// <inheritdoc/>
    public override string Name => IsMeanOfTokens ? "dpo_norm" : "dpo";

    private protected override Formula Formula => DirectPreference.Definition;

    /// <inheritdoc/>
    public override Tensor Sum(Tape tape, in PairLogs logs) => base.Sum(tape, IsMeanOfTokens ? logs.MeanOfTokens(tape) : logs);
}

/// <summary>Which divergence from the reference a policy is held by; that of DPO itself is the reverse one, KL(π ‖ π_ref).</summary>
public enum PreferenceDivergence
{
    /// <summary>KL(π_ref ‖ π).</summary>
    Forward,

    /// <summary>That of Jensen and Shannon.</summary>
    JensenShannon,

    /// <summary>The α-divergence: between the reverse divergence, towards α = 0, and the forward one at 1.</summary>
    Alpha,
}

/// <summary>f-DPO: −ln σ(β·(f'(π/π_ref of the preferred answer) − f'(that of the other))), of a divergence f.</summary>
public sealed record DivergencePreferenceLoss : SmoothedPreferenceLoss
{
    /// <summary>Which divergence.</summary>
    public PreferenceDivergence Divergence { get; init; }

    /// <summary>α of the α-divergence, above 0.</summary>
    public double Alpha { get; init; } = 0.5;

    /// <inheritdoc/>
    public override string Name => Divergence switch
    {
        PreferenceDivergence.Forward => "dpo_forward_kl",
        PreferenceDivergence.JensenShannon => "dpo_js",
        _ => "dpo_alpha",
    };

    private protected override Formula Formula => DivergencePreference.Definition;

    private protected override Dictionary<string, object> Numbers => new(base.Numbers)
    {
        ["alpha"] = Alpha,
        ["divergence"] = Divergence switch
        {
            PreferenceDivergence.Forward => "forward_kl",
            PreferenceDivergence.JensenShannon => "jensen_shannon",
            _ => "alpha",
        },
    };

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(Alpha > 0 && double.IsFinite(Alpha), $"{Name}: α must be above 0, but it is {Alpha}");
        Require.That(Enum.IsDefined(Divergence), $"{Name}: there is no divergence {Divergence}");
    }
}

/// <summary>IPO: (m − 1/(2β))².</summary>
/// <remarks>
/// The paper's formula has sums over the tokens of an answer. TRL takes means, which its authors confirmed to be the form of the paper's results; so
/// does this record unless it is told otherwise.
/// </remarks>
public sealed record IdentityPreferenceLoss : ReferencedPreferenceLoss
{
    /// <summary>Whether the logs are means over the tokens of an answer and not sums.</summary>
    public bool IsMeanOfTokens { get; init; } = true;

    /// <inheritdoc/>
    public override string Name => "ipo";

    private protected override Formula Formula => IdentityPreference.Definition;

    /// <inheritdoc/>
    public override Tensor Sum(Tape tape, in PairLogs logs) => base.Sum(tape, IsMeanOfTokens ? logs.MeanOfTokens(tape) : logs);
}

/// <summary>SLiC with a reference: max(0, 1 − β·m).</summary>
public sealed record HingePreferenceLoss : ReferencedPreferenceLoss
{
    /// <inheritdoc/>
    public override string Name => "hinge";

    private protected override Formula Formula => HingePreference.Definition;
}

/// <summary>Robust DPO: unbiased by the share of labels that is flipped, here 0.1; with 0, TRL's number, it is DPO.</summary>
public sealed record RobustPreferenceLoss : SmoothedPreferenceLoss
{
    /// <summary>With a tenth of the labels flipped.</summary>
    public RobustPreferenceLoss() => LabelSmoothing = 0.1;

    /// <inheritdoc/>
    public override string Name => "robust";

    private protected override Formula Formula => RobustPreference.Definition;
}

/// <summary>EXO: the divergence of the policy's choice from the labels'.</summary>
public sealed record ExactPreferenceLoss : SmoothedPreferenceLoss
{
    /// <summary>With the paper's ε, 10⁻³.</summary>
    public ExactPreferenceLoss() => LabelSmoothing = 0.001;

    /// <inheritdoc/>
    public override string Name => "exo";

    private protected override Formula Formula => ExactPreference.Definition;

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(LabelSmoothing > 0, $"{Name}: the label smoothing must be above 0, but it is {LabelSmoothing}");
    }
}

/// <summary>DiscoPOP: a blend of the logistic and the exponential loss.</summary>
public sealed record DiscoveredPreferenceLoss : ReferencedPreferenceLoss
{
    /// <summary>τ: how sharply it turns from one to the other, in (0, 1).</summary>
    public double Temperature { get; init; } = 0.05;

    /// <inheritdoc/>
    public override string Name => "discopop";

    private protected override Formula Formula => DiscoveredPreference.Definition;

    private protected override Dictionary<string, object> Numbers => new() { ["beta"] = Beta, ["temperature"] = Temperature };

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(Temperature is > 0 and < 1, $"{Name}: τ must lie in (0, 1), but it is {Temperature}");
    }
}
