namespace Lemma.Formulas;

/// <summary>L = −E_i[min(min(s, δ)·A, clip(s, 1 − ε_l, 1 + ε_h)·A)], s = e^(the mean of ln(π/π_old) over an answer's tokens).</summary>
/// <remarks>
/// log_probs, old_log_probs: [tokens], answer after answer; lengths: [answers], their tokens; advantages: [answers]. Zheng et al. 2025, Group sequence
/// policy optimization, eq. 5 and 7.
/// </remarks>
public static class SequencePolicy
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "gspo",
        Group = "Preference",
        Text = "L = −E[min(s·A, clip(s, 1 − ε_l, 1 + ε_h)·A)], s = (π(y)/π_old(y))^(1/|y|)",
        Latex = """
            L = -\mathbb{E}\left[\min\left(s A, \mathrm{clip}(s, 1 - \varepsilon_l, 1 + \varepsilon_h) A\right)\right]
            s = \left(\frac{\pi(y)}{\pi_\mathrm{old}(y)}\right)^{\frac{1}{T}}
            """,
        Shapes = "log_probs (ln π), old_log_probs (ln π_old): [tokens], answer after answer; lengths (|y|, T), advantages (A): [answers]; L: []",
        Symbols = "ε_l (epsilon_low), ε_h (epsilon_high), delta: as of policy_clip, but of s, which moves far less than a token's ratio",
        Source = "Zheng et al. 2025, Group sequence policy optimization, eq. 5 and 7",
        Gradient = "d ln π_t −= s·A/(|y|·N)·dL where s is not clipped, else 0",
        Notes = "All tokens of an answer weigh the same and are clipped together. An answer without tokens has s = 1.",
        Example = "log_probs[9]*0.6 old_log_probs[9]*0.6 lengths:2,4,3 advantages[3] epsilon_low=0.1 epsilon_high=0.2",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<int> lengths, ReadOnlySpan<float> advantages,
        in PolicyBounds bounds)
    {
        float[] losses = new float[lengths.Length];
        PolicyClip.Forward(Means(logs, oldLogs, lengths, advantages, bounds), new float[lengths.Length], Shares(advantages), bounds, losses);
        return Lanes.WideSum(losses);
    }

    /// <summary>d ln π_t −= s·A/(|y|·N)·dL where s is not clipped; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<int> lengths, ReadOnlySpan<float> advantages,
        in PolicyBounds bounds, double dy, Span<float> dlogs)
    {
        Check.SameLength("gspo", logs.Length, dlogs.Length);
        float[] dmeans = new float[lengths.Length], dlosses = new float[lengths.Length];
        Array.Fill(dlosses, (float)dy);
        PolicyClip.Backward(Means(logs, oldLogs, lengths, advantages, bounds), new float[lengths.Length], Shares(advantages), bounds, dlosses, dmeans);
        for (int answer = 0; answer < lengths.Length; answer++)
        {
            foreach (ref float slope in dlogs[..lengths[answer]])
                slope += dmeans[answer] / lengths[answer];
            dlogs = dlogs[lengths[answer]..];
        }
    }

    // A/N: the mean is taken first, so that no number passes float32's range on the way.
    private static float[] Shares(ReadOnlySpan<float> advantages)
    {
        float[] shares = new float[advantages.Length];
        for (int i = 0; i < shares.Length; i++)
            shares[i] = advantages[i] / shares.Length;
        return shares;
    }

    // ln s of each answer.
    private static float[] Means(ReadOnlySpan<float> logs, ReadOnlySpan<float> oldLogs, ReadOnlySpan<int> lengths, ReadOnlySpan<float> advantages,
        in PolicyBounds bounds)
    {
        bounds.Check("gspo");
        Check.SameLength("gspo", logs.Length, oldLogs.Length);
        Check.SameLength("gspo", lengths.Length, advantages.Length);
        AnswerLengths.Require("gspo", lengths, logs.Length);
        float[] means = new float[lengths.Length];
        for (int answer = 0, first = 0; answer < lengths.Length; first += lengths[answer++])
        {
            double sum = 0;
            for (int i = first; i < first + lengths[answer]; i++)
                sum += (double)logs[i] - oldLogs[i];
            means[answer] = (float)(sum / Math.Max(1, lengths[answer]));
        }
        return means;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logs = call.Input("log_probs", -1), oldLogs = call.Same("old_log_probs", logs);
        Values advantages = call.Input("advantages", call.Input("lengths", -1).Count);
        int[] lengths = call.Integers("lengths");
        PolicyBounds bounds = PolicyBounds.Of(call, 3e-4, 4e-4);
        Values y = Values.Scalar(Forward(logs, oldLogs, lengths, advantages, bounds));
        if (call.Backward(y, out float[]? dy))
            Backward(logs, oldLogs, lengths, advantages, bounds, dy[0], call.Gradient("log_probs"));
        return y;
    }
}
