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
        // Beyond float32's range only the distance to the largest counts, and the likeliest id is what is left as T goes to 0.
        Span<float> logits = candidates.ChangeLogits();
        float largest = float.NegativeInfinity, least = float.PositiveInfinity;
        foreach (float logit in logits)
        {
            largest = MathF.Max(largest, logit);
            least = float.IsNegativeInfinity(logit) ? least : MathF.Min(least, logit);
        }
        bool overflows = Math.Max(Math.Abs((double)largest), Math.Abs((double)least)) / Value > float.MaxValue;
        double shift = overflows && float.IsFinite(largest) ? largest : 0;
        foreach (ref float logit in logits)
            logit = (float)((logit - shift) / Value);
    }
}
