using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = E[−(1 − s)·ln σ(β·m) + s·e^(−β·m)], s = σ(β·m/τ), m = r_w − r_l.</summary>
/// <remarks>A blend of the logistic and the exponential loss that a language model proposed. Lu et al. 2024, eq. 5.</remarks>
public static class DiscoveredPreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "discopop",
        Group = "Preference",
        Text = "L = E[−(1 − s)·ln σ(β·m) + s·e^(−β·m)], s = σ(β·m/τ)",
        Latex = @"L = \mathbb{E}\left[-(1 - s)\ln\sigma(\beta m) + s e^{-\beta m}\right]\qquad s = \sigma\left(\frac{\beta m}{\tau}\right)\qquad m = r_w - r_l",
        Shapes = AnswerPairs.Shapes,
        Symbols = AnswerPairs.Ratios + "; β above 0; τ (temperature) in (0, 1): how sharply it turns from one to the other",
        Source = "Lu et al. 2024, Discovering preference optimization algorithms with and for large language models, eq. 5",
        Gradient = "dm += β·(s(1 − s)/τ·(e^(−βm) + ln σ(βm)) − (1 − s)·σ(−βm) − s·e^(−βm))/N·dL",
        Notes = "Not convex: there are margins at which it neither rises nor falls.",
        Example = "policy_chosen[9] policy_rejected[9] reference_chosen[9] reference_rejected[9] beta=0.3 temperature=0.05",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(in AnswerPairs pairs, double beta, double temperature)
    {
        RatioTerms.RequireBeta("discopop", beta);
        Check.That(temperature is > 0 and < 1, "discopop", $"τ must lie in (0, 1), but it is {temperature}");
        return RatioTerms.Mean(new Term((float)(1 / temperature)), beta, pairs);
    }

    /// <summary>dm += β·(s(1 − s)/τ·(e^(−βm) + ln σ(βm)) − (1 − s)·σ(−βm) − s·e^(−βm))/N·dL; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(in AnswerPairs pairs, double beta, double temperature, double dy, in AnswerPairGradients gradients)
    {
        RatioTerms.RequireBeta("discopop", beta);
        Check.That(temperature is > 0 and < 1, "discopop", $"τ must lie in (0, 1), but it is {temperature}");
        RatioTerms.AddSlopes(new Term((float)(1 / temperature)), beta, pairs, dy * beta / pairs.Count, gradients);
    }

    // s·e^−m = e^(ln σ(m/τ) − m), which is small where e^−m is not.
    private readonly struct Term(float sharpness) : IRatioTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Value(Vector512<float> w, Vector512<float> l, Vector512<float> m)
        {
            Vector512<float> turn = m * sharpness;
            return RatioTerms.Limited(VectorMath.Sigmoid(-turn), RatioTerms.MinusLogSigmoid(m)) + VectorMath.Exp(-RatioTerms.MinusLogSigmoid(turn) - m);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (Vector512<float> W, Vector512<float> L) Slopes(Vector512<float> w, Vector512<float> l, Vector512<float> m)
        {
            Vector512<float> turn = m * sharpness, rest = VectorMath.Sigmoid(-turn), exponential = VectorMath.Exp(-RatioTerms.MinusLogSigmoid(turn) - m);
            Vector512<float> slope = (rest * sharpness - Vector512.Create(1f)) * exponential - rest * VectorMath.Sigmoid(-m)
                - RatioTerms.Limited(RatioTerms.SigmoidSlope(turn) * sharpness, RatioTerms.MinusLogSigmoid(m));
            return (slope, -slope);
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        double beta = call.Number("beta");
        double temperature = call.Number("temperature", 0.05);
        AnswerPairs pairs = AnswerPairs.Of(call);
        Values y = Values.Scalar(Forward(pairs, beta, temperature));
        if (call.Backward(y, out float[]? dy))
            Backward(pairs, beta, temperature, dy[0], AnswerPairGradients.Of(call));
        return y;
    }
}
