using Lemma.Tensors;

namespace Lemma.Modules;

/// <summary>The feed-forward layer of a block.</summary>
/// <param name="HiddenWidth">The inner width d_ff; of experts, that of each.</param>
/// <param name="Activation">φ.</param>
/// <param name="Bias">Whether its linear layers have a bias.</param>
public abstract record FeedForwardConfig(int HiddenWidth, Activation Activation, bool Bias)
{
    /// <summary>Checks every size; the error names the rule and the value.</summary>
    public virtual void Validate() =>
        Require.That(HiddenWidth is > 0 and <= 1 << 26, $"feed_forward: the hidden width must lie in [1, {1 << 26}], but it is {HiddenWidth}");

    internal abstract FeedForward Make(Scope scope, int width);
}

/// <summary>φ(xW₁ + b₁)W₂ + b₂.</summary>
public sealed record PlainFeedForward(int HiddenWidth, Activation Activation, bool Bias) : FeedForwardConfig(HiddenWidth, Activation, Bias)
{
    internal override FeedForward Make(Scope scope, int width) => new DenseLayer(this, scope, width);
}

/// <summary>(φ(xW₁) ∘ xW₂)W₃; SwiGLU with silu.</summary>
public sealed record GatedFeedForward(int HiddenWidth, Activation Activation = Activation.Silu, bool Bias = false)
    : FeedForwardConfig(HiddenWidth, Activation, Bias)
{
    internal override FeedForward Make(Scope scope, int width) => new DenseLayer(this, scope, width);
}

/// <summary>(clip(b, −L, L) + 1)∘a′∘σ(α·a′), a′ = min(a, L), of what gate and up give. See <see cref="Formulas.ClampedGate"/>.</summary>
/// <param name="Limit">L.</param>
/// <param name="Alpha">α.</param>
public sealed record ClampedGateConfig(float Limit = 7, float Alpha = 1.702f)
{
    /// <summary>Checks both numbers; the error names the rule and the values.</summary>
    public void Validate() => Require.That(Limit is > 0 and < float.PositiveInfinity && float.IsFinite(Alpha),
        $"experts: a clamped gate must have a finite limit above 0 and a finite α, but they are {Limit} and {Alpha}");
}

/// <summary>Σ wₑ·expertₑ(x) over the experts that a router chooses a row, and a shared one that every row takes.</summary>
public sealed record ExpertsFeedForward(int HiddenWidth, ExpertRouting Routing, Activation Activation = Activation.Silu)
    : FeedForwardConfig(HiddenWidth, Activation, false)
{
    /// <summary>The expert that every row takes; null for none.</summary>
    public GatedFeedForward? Shared { get; init; }

    /// <summary>Whether σ(x·w) scales the shared expert.</summary>
    public bool SharedGate { get; init; }

    /// <summary>Whether the router has a bias for the choice alone, which balances loads without a loss.</summary>
    public bool ChoiceBias { get; init; }

    /// <summary>Whether the router has a bias in its scores.</summary>
    public bool RouterBias { get; init; }

    /// <summary>A gate that no number passes beyond a limit, in place of φ(a)∘b; null for that.</summary>
    public ClampedGateConfig? Clamp { get; init; }

    /// <summary>α of the balance loss α·E·Σ cᵢ/T·Pᵢ that training adds, cᵢ the choices of expert i and Pᵢ its mean score over the T rows of all layers;
    /// 0 for none.</summary>
    /// <remarks>The sum is the number of chosen experts when loads are even.</remarks>
    public float BalanceWeight { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Clamp?.Validate();
        Routing.Validate();
        Shared?.Validate();
        Require.That(BalanceWeight is >= 0 and < float.PositiveInfinity,
            $"experts: the weight of the balance loss must be at least 0 and finite, but it is {BalanceWeight}");
        Require.That(BalanceWeight == 0 || Routing.Score == RouterScore.Softmax,
            $"experts: a balance loss needs scores by softmax, not by {Routing.Score}");
    }

    internal override FeedForward Make(Scope scope, int width) => new ExpertsLayer(this, scope, width);
}
