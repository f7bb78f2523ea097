using Lemma.Compute;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>What parameters of some names take instead of the optimizer's own numbers.</summary>
/// <param name="Pattern">Names, <c>*</c> for any run of characters: <c>*.norm.*</c>, <c>embedding.weight</c>.</param>
/// <param name="RateScale">What the learning rate is multiplied with, at least 0.</param>
/// <param name="Decays">Whether they decay; null for the common rule.</param>
public sealed record ParameterRule(string Pattern, double RateScale = 1, bool? Decays = null);

/// <summary>Which optimizer steps, and its numbers: a record for each.</summary>
public abstract record OptimizerOptions
{
    /// <summary>The largest norm of the whole gradient; 0 for no clipping.</summary>
    public float Clip { get; init; } = 1;

    /// <summary>λ; matrices decay, biases and norms do not.</summary>
    public float WeightDecay { get; init; } = 0.1f;

    /// <summary>Whether every parameter decays, biases and norms as well.</summary>
    public bool DecayAll { get; init; }

    /// <summary>What some parameters take instead; the first whose pattern fits counts.</summary>
    public ValueList<ParameterRule> Rules { get; init; } = [];

    /// <summary>The optimizer over the parameters that learn, with memory of its own state.</summary>
    public abstract Optimizer Make(Parameters parameters, Workers workers);

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public virtual void Validate()
    {
        Require.That(Clip >= 0 && float.IsFinite(Clip), $"clip: the norm must not be negative, but it is {Clip}");
        Require.That(WeightDecay >= 0 && float.IsFinite(WeightDecay), $"optimizer: the weight decay must not be negative, but it is {WeightDecay}");
        foreach (ParameterRule rule in Rules)
        {
            Require.That(rule.Pattern.Length > 0, $"optimizer: a rule needs a pattern of names");
            Require.That(rule.RateScale >= 0 && double.IsFinite(rule.RateScale),
                $"optimizer: the scale of the rate of '{rule.Pattern}' must not be negative, but it is {rule.RateScale}");
        }
    }
}
