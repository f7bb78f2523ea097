namespace Lemma.Formulas;

/// <summary>L = −E[min(r·A, clip(r, 1 − ε, 1 + ε)·A) − β·k₃], r = π/π_old, over the tokens that count.</summary>
/// <remarks>
/// log_probs, old_log_probs, reference_log_probs, mask: [samples, tokens]; A: [samples], one a sample. Each sample's tokens are averaged
/// first, then the samples. Old and reference log probabilities and A are constants. Shao et al. 2024, DeepSeekMath, eq. 3 and 4.
/// </remarks>
public static class GroupPolicy
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "grpo",
        Group = "Preference",
        Text = "L = −E[min(r·A, clip(r, 1 − ε, 1 + ε)·A) − β·k₃], r = π/π_old",
        Shapes = "log_probs, old_log_probs, reference_log_probs, mask: [samples, tokens]; advantages: [samples]; L: []",
        Symbols = "ε: clip; β: weight of the divergence; a sample is averaged over its tokens first",
        Source = "Shao et al. 2024, DeepSeekMath, eq. 3 and 4",
        Gradient = "d ln π += (−r·A where unclipped + β(1 − π_ref/π))/(tokens·samples)·dL",
        Example = "log_probs[6,5]*0.4 old_log_probs[6,5]*0.4 reference_log_probs[6,5]*0.4 advantages[6] epsilon=0.2 beta=0.04",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> referenceLogs,
        ReadOnlySpan<float> advantages, ReadOnlySpan<float> mask, double epsilon, double beta)
    {
        int tokens = CheckInput(logs, oldLogs, referenceLogs, advantages, mask, epsilon);
        double sum = 0;
        for (int row = 0; row < advantages.Length; row++)
        {
            double total = 0, counted = 0;
            for (int i = row * tokens; i < (row + 1) * tokens; i++)
            {
                if (mask[i] == 0)
                    continue;
                double ratio = Math.Exp((double)logs[i] - oldLogs[i]), toReference = (double)referenceLogs[i] - logs[i];
                double gain = Math.Min(ratio * advantages[row], Math.Clamp(ratio, 1 - epsilon, 1 + epsilon) * advantages[row]);
                total -= gain - beta * (Stable.ExpMinusOne(toReference) - toReference);
                counted++;
            }
            sum += counted == 0 ? 0 : total / counted;
        }
        return sum / advantages.Length;
    }

    /// <summary>d ln π += (−r·A where unclipped + β(1 − π_ref/π))/(tokens·samples)·dL.</summary>
    public static void Backward(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> referenceLogs,
        ReadOnlySpan<float> advantages, ReadOnlySpan<float> mask, double epsilon, double beta, double dy, Span<float> dlogs)
    {
        int tokens = CheckInput(logs, oldLogs, referenceLogs, advantages, mask, epsilon);
        for (int row = 0; row < advantages.Length; row++)
        {
            double counted = 0;
            foreach (float one in mask.Slice(row * tokens, tokens))
                counted += one == 0 ? 0 : 1;
            for (int i = row * tokens; i < (row + 1) * tokens; i++)
            {
                if (mask[i] == 0)
                    continue;
                double ratio = Math.Exp((double)logs[i] - oldLogs[i]), clipped = Math.Clamp(ratio, 1 - epsilon, 1 + epsilon);
                double slope = ratio * advantages[row] <= clipped * advantages[row] ? -ratio * advantages[row] : 0;
                slope -= beta * Stable.ExpMinusOne((double)referenceLogs[i] - logs[i]);
                dlogs[i] += (float)(dy * slope / counted / advantages.Length);
            }
        }
    }

    private static int CheckInput(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<float> referenceLogs,
        ReadOnlySpan<float> advantages, ReadOnlySpan<float> mask, double epsilon)
    {
        Check.That(epsilon >= 0, "grpo", $"ε must not be negative, but it is {epsilon}");
        Check.That(!advantages.IsEmpty, "grpo", $"there must be at least one sample");
        Check.Rows("grpo", logs.Length, logs.Length / advantages.Length);
        Check.SameLength("grpo", logs.Length, oldLogs.Length);
        Check.SameLength("grpo", logs.Length, referenceLogs.Length);
        Check.SameLength("grpo", logs.Length, mask.Length);
        return logs.Length / advantages.Length;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logs = call.Input("log_probs", -1, -1), oldLogs = call.Same("old_log_probs", logs),
            reference = call.Same("reference_log_probs", logs);
        Values advantages = call.Input("advantages", logs.Shape[0]), mask = call.Has("mask") ? call.Same("mask", logs) : logs.Like();
        if (!call.Has("mask"))
            Array.Fill(mask.Data, 1);
        double epsilon = call.Number("epsilon", 0.2), beta = call.Number("beta", 0.04);
        Values y = Values.Scalar(Forward(logs, oldLogs, reference, advantages, mask, epsilon, beta));
        if (call.Backward(y, out float[]? dy))
            Backward(logs, oldLogs, reference, advantages, mask, epsilon, beta, dy[0], call.Gradient("log_probs"));
        return y;
    }
}
