using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>J = E[r(x, y) − β·(ln π(y|x) − ln π_ref(y|x))], what reinforcement learning from human feedback makes large.</summary>
/// <remarks>
/// rewards, log_probs, reference_log_probs: [samples]; the gradient holds for given samples. Ouyang et al. 2022, eq. 2; Ziegler et al.
/// 2019, eq. 2.
/// </remarks>
public static class RewardObjective
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "rlhf_objective",
        Group = "Preference",
        Text = "J = E[r − β·ln(π(y)/π_ref(y))]",
        Latex = @"J = \mathbb{E}\left[r - \beta\ln\frac{\pi(y)}{\pi_\mathrm{ref}(y)}\right]",
        Shapes = "rewards (r), log_probs, reference_log_probs: [samples]; J: []",
        Symbols = "β: price of a nat of divergence",
        Source = "Ziegler et al. 2019, eq. 2; Ouyang et al. 2022, eq. 2",
        Gradient = "dr += dJ/N, d ln π −= β/N·dJ, for given samples",
        Notes = "E over samples of π makes the second part β·KL(π‖π_ref).",
        Example = "rewards[9] log_probs[9] reference_log_probs[9] beta=0.1",
        Evaluate = Evaluate,
    };

    /// <summary>J = mean r − β·k₁.</summary>
    public static double Forward(ReadOnlySpan<float> rewards, ReadOnlySpan<float> logs, ReadOnlySpan<float> reference, double beta)
    {
        Check.SameLength("rlhf_objective", rewards.Length, logs.Length);
        return (rewards.IsEmpty ? 0 : Lanes.WideSum(rewards) / rewards.Length) - beta * DivergenceK1.Forward(logs, reference);
    }

    /// <summary>dr += dJ/N;  d ln π −= β/N·dJ.</summary>
    public static void Backward(ReadOnlySpan<float> rewards, ReadOnlySpan<float> logs, ReadOnlySpan<float> reference, double beta,
        double dy,
        Span<float> drewards, Span<float> dlogs)
    {
        TensorPrimitives.Add(drewards, (float)(dy / rewards.Length), drewards);
        DivergenceK1.Backward(logs, reference, -beta * dy, dlogs);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values rewards = call["rewards"], logs = call.Same("log_probs", rewards), reference = call.Same("reference_log_probs", rewards);
        double beta = call.Number("beta", 0.1);
        Values y = Values.Scalar(Forward(rewards, logs, reference, beta));
        if (call.Backward(y, out float[]? dy))
            Backward(rewards, logs, reference, beta, dy[0], call.Gradient("rewards"), call.Gradient("log_probs"));
        return y;
    }
}
