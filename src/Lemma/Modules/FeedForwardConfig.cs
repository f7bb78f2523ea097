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
        Require.That(HiddenWidth > 0, $"feed_forward: the hidden width must be positive, but it is {HiddenWidth}");

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

    /// <summary>What the balance loss is multiplied with where a loss is asked for; 0 for none.</summary>
    public float BalanceWeight { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(Routing.Experts > 0 && Routing.Chosen > 0 && Routing.Chosen <= Routing.Experts,
            $"experts: the chosen must be from 1 to all, but {Routing.Chosen} of {Routing.Experts} are");
        Require.That(Routing.Groups > 0 && Routing.Experts % Routing.Groups == 0 && Routing.ChosenGroups > 0 && Routing.ChosenGroups <= Routing.Groups,
            $"experts: groups must divide the {Routing.Experts} experts, but {Routing.ChosenGroups} of {Routing.Groups} groups are chosen");
        Require.That(BalanceWeight >= 0, $"experts: the weight of the balance loss must not be negative, but it is {BalanceWeight}");
        Shared?.Validate();
    }

    internal override FeedForward Make(Scope scope, int width) => new ExpertsLayer(this, scope, width);
}
