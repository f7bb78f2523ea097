namespace Lemma.Decoding;

/// <summary>z ← z/T: below 1 sharper, above 1 flatter.</summary>
/// <remarks>It divides logits, not probabilities. Ackley, Hinton and Sejnowski 1985.</remarks>
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
    public override void Apply(Candidates candidates, in DrawContext context)
    {
        if (Value == 1)
            return;
        // Beyond float32's range only the distance to the largest counts, and the likeliest id is what is left as T goes to 0.
        double largest = candidates.LargestLogit, least = LogitMath.Least(candidates.Logits);
        double shift = Math.Max(Math.Abs(largest), Math.Abs(least)) / Value > float.MaxValue ? largest : 0;
        foreach (ref float logit in candidates.ChangeLogits())
            logit = (float)((logit - shift) / Value);
    }
}
