using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = E[((ε − 1)·ln σ(β·m) + ε·ln σ(−β·m))/(1 − 2·ε)], m = r_w − r_l.</summary>
/// <remarks>Its mean over labels of which the share ε is flipped is the loss of the true ones. Chowdhury, Kini and Natarajan 2024, Provably robust DPO.</remarks>
public static class RobustPreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "robust_dpo",
        Group = "Preference",
        Text = "L = E[((ε − 1)·ln σ(β·m) + ε·ln σ(−β·m))/(1 − 2·ε)], m = r_w − r_l",
        Latex = @"L = \mathbb{E}\left[\frac{(\varepsilon - 1)\ln\sigma(\beta m) + \varepsilon\ln\sigma(-\beta m)}{1 - 2\varepsilon}\right]\qquad m = r_w - r_l",
        Shapes = AnswerPairs.Shapes,
        Symbols = AnswerPairs.Ratios + "; β above 0; ε (label_smoothing): the share of flipped labels, in [0, 0.5)",
        Source = "Chowdhury, Kini and Natarajan 2024, Provably robust DPO: aligning language models with noisy feedback",
        Gradient = "dm −= β·((1 − ε)·σ(−βm) + ε·σ(βm))/(1 − 2ε)/N·dL",
        Notes = "Unlike the smoothed loss it subtracts what flipped labels add, so its mean is not biased by them, and it may be below 0.",
        Example = "policy_chosen[9] policy_rejected[9] reference_chosen[9] reference_rejected[9] beta=0.3 label_smoothing=0.1",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(in AnswerPairs pairs, double beta, double smoothing)
    {
        RatioTerms.RequireBeta("robust_dpo", beta);
        Check.That(smoothing is >= 0 and < 0.5, "robust_dpo", $"the share of flipped labels must lie in [0, 0.5), but it is {smoothing}");
        return RatioTerms.Mean(new Term((float)(smoothing / (1 - 2 * smoothing))), beta, pairs);
    }

    /// <summary>dm −= β·((1 − ε)·σ(−βm) + ε·σ(βm))/(1 − 2ε)/N·dL; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(in AnswerPairs pairs, double beta, double smoothing, double dy, in AnswerPairGradients gradients)
    {
        RatioTerms.RequireBeta("robust_dpo", beta);
        Check.That(smoothing is >= 0 and < 0.5, "robust_dpo", $"the share of flipped labels must lie in [0, 0.5), but it is {smoothing}");
        RatioTerms.AddSlopes(new Term((float)(smoothing / (1 - 2 * smoothing))), beta, pairs, dy * beta / pairs.Count, gradients);
    }

    // (1 − ε)/(1 − 2ε) = 1 + s and ε/(1 − 2ε) = s.
    private readonly struct Term(float flipped) : IRatioTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Value(Vector512<float> w, Vector512<float> l, Vector512<float> m)
        {
            Vector512<float> kept = RatioTerms.MinusLogSigmoid(m);
            return flipped == 0 ? kept : kept * (1 + flipped) - RatioTerms.MinusLogSigmoid(-m) * flipped;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (Vector512<float> W, Vector512<float> L) Slopes(Vector512<float> w, Vector512<float> l, Vector512<float> m)
        {
            Vector512<float> slope = VectorMath.Sigmoid(-m) * -(1 + flipped) - VectorMath.Sigmoid(m) * flipped;
            return (slope, -slope);
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        double beta = call.Number("beta");
        double smoothing = call.Number("label_smoothing", 0);
        AnswerPairs pairs = AnswerPairs.Of(call);
        Values y = Values.Scalar(Forward(pairs, beta, smoothing));
        if (call.Backward(y, out float[]? dy))
            Backward(pairs, beta, smoothing, dy[0], AnswerPairGradients.Of(call));
        return y;
    }
}
