namespace Lemma.Decoding;

/// <summary>z ← z/T: below 1 sharper, above 1 flatter.</summary>
/// <remarks>It divides logits, not probabilities.</remarks>
public sealed record Temperature : LogitStep
{
    /// <summary>Divides by a positive number.</summary>
    public Temperature(double value)
    {
        Require.That(value > 0 && double.IsFinite(value), $"temperature: it must be positive, but it is {value}; for the likeliest id take greedy decoding");
        Value = value;
    }

    /// <summary>T.</summary>
    public double Value { get; }

    /// <inheritdoc/>
    public override void Apply(Candidates candidates)
    {
        foreach (ref float logit in candidates.Logits)
            logit = (float)(logit / Value);
    }
}
