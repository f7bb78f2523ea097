using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>L = L_clip + c_V·L_V − c_H·H + β·k₃: the full objective of proximal policy optimization.</summary>
/// <remarks>
/// All inputs: one shape; H: the entropy of the policy at each place, in nats. Each part is a formula of its own:
/// <see cref="ClippedPolicy"/>, <see cref="ClippedValue"/>, <see cref="DivergenceK3"/>. Schulman et al. 2017, eq. 9.
/// </remarks>
public static class PolicyObjective
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "ppo_objective",
        Group = "Preference",
        Text = "L = L_clip + c_V·L_V − c_H·H + β·k₃",
        Latex = @"L = L_\mathrm{clip} + c_V L_V - c_H H + \beta k_3",
        Shapes = "log_probs, old_log_probs, reference_log_probs, advantages, values, old_values, returns, entropies: one shape; L: []",
        Symbols = "c_V (value_coefficient), c_H (entropy_coefficient), β, epsilon, clip",
        Source = "Schulman et al. 2017, Proximal policy optimization, eq. 9",
        Gradient = "the parts' gradients with their weights; dH −= c_H/N·dL",
        Notes = "Returns, advantages and old values are constants here.",
        Example = "log_probs[6,5]*0.4 old_log_probs[6,5]*0.4 reference_log_probs[6,5]*0.4 advantages[6,5] values[6,5] old_values[6,5] "
            + "returns[6,5] entropies[6,5]+",
        Evaluate = Evaluate,
    };

    /// <summary>The weights of the parts.</summary>
    /// <param name="Epsilon">The clip of the ratio.</param>
    /// <param name="ValueClip">The clip of values.</param>
    /// <param name="Value">c_V.</param>
    /// <param name="Entropy">c_H.</param>
    /// <param name="Divergence">β.</param>
    public readonly record struct Weights(double Epsilon, double ValueClip, double Value, double Entropy, double Divergence);

    private static Values Evaluate(FormulaCall call)
    {
        Values logs = call["log_probs"], oldLogs = call.Same("old_log_probs", logs), reference = call.Same("reference_log_probs", logs);
        Values advantages = call.Same("advantages", logs), values = call.Same("values", logs), oldValues = call.Same("old_values", logs);
        Values returns = call.Same("returns", logs), entropies = call.Same("entropies", logs);
        Weights w = new(call.Number("epsilon", 0.2), call.Number("clip", 0.2), call.Number("value_coefficient", 0.5),
            call.Number("entropy_coefficient", 0.01), call.Number("beta", 0.05));
        Values y = Values.Scalar(Forward(logs, oldLogs, reference, advantages, values, oldValues, returns, entropies, w));
        if (call.Backward(y, out float[]? dy))
        {
            Backward(logs, oldLogs, reference, advantages, values, oldValues, returns, w, dy[0],
                call.Gradient("log_probs"), call.Gradient("values"), call.Gradient("entropies"));
        }
        return y;
    }

    /// <summary>L.</summary>
    public static double Forward(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> reference,
        ReadOnlySpan<float> advantages,
        ReadOnlySpan<float> values, ReadOnlySpan<float> oldValues, ReadOnlySpan<float> returns, ReadOnlySpan<float> entropies, in Weights w)
    {
        return ClippedPolicy.Forward(logs, oldLogs, advantages, w.Epsilon) + w.Value * ClippedValue.Forward(values, oldValues, returns,
            w.ValueClip)
            - w.Entropy * Lanes.WideSum(entropies) / Math.Max(1, entropies.Length) + w.Divergence * DivergenceK3.Forward(logs, reference);
    }

    /// <summary>Each part's gradient times its weight; dH −= c_H/N·dL.</summary>
    public static void Backward(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> reference,
        ReadOnlySpan<float> advantages,
        ReadOnlySpan<float> values, ReadOnlySpan<float> oldValues, ReadOnlySpan<float> returns, in Weights w, double dy,
        Span<float> dlogs, Span<float> dvalues, Span<float> dentropies)
    {
        ClippedPolicy.Backward(logs, oldLogs, advantages, w.Epsilon, dy, dlogs);
        DivergenceK3.Backward(logs, reference, w.Divergence * dy, dlogs);
        ClippedValue.Backward(values, oldValues, returns, w.ValueClip, w.Value * dy, dvalues, new float[returns.Length]);
        TensorPrimitives.Subtract(dentropies, (float)(w.Entropy * dy / dentropies.Length), dentropies);
    }
}
