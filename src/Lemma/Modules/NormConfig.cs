namespace Lemma.Modules;

/// <summary>How a row of activations is normalized.</summary>
/// <param name="Epsilon">Added to the variance or mean square, inside the root.</param>
public abstract record NormConfig(float Epsilon)
{
    /// <summary>Whether there is a gain that is learned.</summary>
    internal virtual bool HasGain => true;

    /// <summary>Checks ε; the error names the rule and the value.</summary>
    public void Validate() => Require.That(Epsilon is > 0 and < float.PositiveInfinity, $"norm: epsilon must be positive and finite, but it is {Epsilon}");
}

/// <summary>y = (x − μ)/√(σ² + ε)·γ + β.</summary>
/// <param name="Epsilon">ε.</param>
/// <param name="Bias">Whether there is β.</param>
public sealed record LayerNormConfig(float Epsilon = 1e-5f, bool Bias = true) : NormConfig(Epsilon);

/// <summary>y = x/√(mean x² + ε)·g.</summary>
/// <param name="Epsilon">ε.</param>
/// <param name="OnePlusGain">Whether the weight is g − 1, as Gemma stores it.</param>
/// <param name="Gain">Whether there is g; else it is 1.</param>
public sealed record RmsNormConfig(float Epsilon = 1e-5f, bool OnePlusGain = false, bool Gain = true) : NormConfig(Epsilon)
{
    /// <inheritdoc/>
    internal override bool HasGain => Gain;
}
