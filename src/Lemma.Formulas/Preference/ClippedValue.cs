namespace Lemma.Formulas;

/// <summary>L = E[max((V − R)², (V_old + clip(V − V_old, −ε, ε) − R)²)]/2.</summary>
/// <remarks>
/// values (V), old_values (V_old), returns (R): any one shape; L: []. ε (clip): how far a value may move in one update. Schulman et al.
/// 2017, eq. 9; clipping after Engstrom et al. 2020, section 3.
/// </remarks>
public static class ClippedValue
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "ppo_value",
        Group = "Preference",
        Text = "L = E[max((V − R)², (V_old + clip(V − V_old, −ε, ε) − R)²)]/2",
        Shapes = "values (V), old_values (V_old), returns (R): any one shape; L: []",
        Symbols = "ε (clip): how far a value may move in one update",
        Source = "Schulman et al. 2017, eq. 9; clipping after Engstrom et al. 2020, section 3",
        Gradient = "dV += the gradient of the larger square; dR −= (V − R)/N·dL where the unclipped square is the larger",
        Notes = "Old values and the clipped target are constants.",
        Example = "values[6,5] old_values[6,5] returns[6,5] clip=0.2",
        Evaluate = Evaluate,
    };

    /// <summary>L = E[max((V − R)², (V_old + clip(V − V_old, −ε, ε) − R)²)]/2.</summary>
    public static double Forward(ReadOnlySpan<float> values, ReadOnlySpan<float> oldValues, ReadOnlySpan<float> returns, double clip)
    {
        Check.SameLength("ppo_value", values.Length, oldValues.Length);
        Check.SameLength("ppo_value", values.Length, returns.Length);
        Check.That(clip >= 0, "ppo_value", $"the clip must not be negative, but it is {clip}");
        double sum = 0;
        for (int i = 0; i < values.Length; i++)
        {
            double plain = (double)values[i] - returns[i], clipped = oldValues[i] + Math.Clamp((double)values[i] - oldValues[i], -clip,
                clip) - returns[i];
            sum += 0.5 * Math.Max(plain * plain, clipped * clipped);
        }
        return values.IsEmpty ? 0 : sum / values.Length;
    }

    /// <summary>
    /// dV += the gradient of the larger square; dR −= (V − R)/N·dL where the unclipped square is the larger; <paramref name="dy"/> is the
    /// gradient of the mean.
    /// </summary>
    public static void Backward(ReadOnlySpan<float> values, ReadOnlySpan<float> oldValues, ReadOnlySpan<float> returns, double clip,
        double dy, Span<float> dvalues, Span<float> dreturns)
    {
        Check.SameLength("ppo_value", values.Length, oldValues.Length);
        Check.SameLength("ppo_value", values.Length, returns.Length);
        Check.That(clip >= 0, "ppo_value", $"the clip must not be negative, but it is {clip}");
        double scale = dy / values.Length;
        for (int i = 0; i < values.Length; i++)
        {
            double move = (double)values[i] - oldValues[i], plain = (double)values[i] - returns[i],
                clipped = oldValues[i] + Math.Clamp(move, -clip, clip) - returns[i];
            // At a tie, where the value has not moved beyond the clip, both squares are the same function and share the gradient.
            double share = plain * plain > clipped * clipped ? 1 : plain * plain < clipped * clipped ? 0 : 0.5;
            dvalues[i] += (float)(scale * (share * plain + (1 - share) * (Math.Abs(move) <= clip ? clipped : 0)));
            dreturns[i] -= (float)(scale * share * plain);
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values values = call["values"], oldValues = call.Same("old_values", values), returns = call.Same("returns", values);
        double clip = call.Number("clip", 0.2);
        Values y = Values.Scalar(Forward(values, oldValues, returns, clip));
        if (call.Backward(y, out float[]? dy))
            Backward(values, oldValues, returns, clip, dy[0], call.Gradient("values"), call.Gradient("returns"));
        return y;
    }
}
