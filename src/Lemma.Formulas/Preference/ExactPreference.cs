using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = E[q_w·ln(q_w/(1 − ε)) + q_l·ln(q_l/ε)], q_w = σ(β·m), q_l = 1 − q_w, m = r_w − r_l.</summary>
/// <remarks>The divergence of the policy’s choice of two answers from the labels’, the reverse of the direction that DPO takes. Ji et al. 2024, eq. 16.</remarks>
public static class ExactPreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "exo",
        Group = "Preference",
        Text = "L = E[q_w·ln(q_w/(1 − ε)) + q_l·ln(q_l/ε)], q_w = σ(β·m), q_l = σ(−β·m)",
        Latex = """
            L = \mathbb{E}\left[q_w\ln\frac{q_w}{1 - \varepsilon} + q_l\ln\frac{q_l}{\varepsilon}\right]
            q_w = \sigma(\beta m)\qquad q_l = \sigma(-\beta m)\qquad m = r_w - r_l
            """,
        Shapes = AnswerPairs.Shapes,
        Symbols = AnswerPairs.Ratios + "; β above 0; ε (label_smoothing): the probability that the other answer is the better one, in (0, 1)",
        Source = "Ji et al. 2024, Towards efficient exact optimization of language model alignment, eq. 16",
        Gradient = "dm += β·q_w·q_l·(βm − ln((1 − ε)/ε))/N·dL",
        Notes = "Least at β·m = ln((1 − ε)/ε), where it is 0; 0·ln 0 = 0.",
        Example = "policy_chosen[9] policy_rejected[9] reference_chosen[9] reference_rejected[9] beta=0.3 label_smoothing=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(in AnswerPairs pairs, double beta, double smoothing)
    {
        RatioTerms.RequireBeta("exo", beta);
        Check.That(smoothing is > 0 and < 1, "exo", $"ε must lie in (0, 1), but it is {smoothing}");
        return RatioTerms.Mean(new Term((float)Math.Log(1 - smoothing), (float)Math.Log(smoothing)), beta, pairs);
    }

    /// <summary>dm += β·q_w·q_l·(βm − ln((1 − ε)/ε))/N·dL; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(in AnswerPairs pairs, double beta, double smoothing, double dy, in AnswerPairGradients gradients)
    {
        RatioTerms.RequireBeta("exo", beta);
        Check.That(smoothing is > 0 and < 1, "exo", $"ε must lie in (0, 1), but it is {smoothing}");
        RatioTerms.AddSlopes(new Term((float)Math.Log(1 - smoothing), (float)Math.Log(smoothing)), beta, pairs, dy * beta / pairs.Count, gradients);
    }

    private readonly struct Term(float better, float worse) : IRatioTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Value(Vector512<float> w, Vector512<float> l, Vector512<float> m) =>
            -RatioTerms.Limited(VectorMath.Sigmoid(m), RatioTerms.MinusLogSigmoid(m) + Vector512.Create(better))
            - RatioTerms.Limited(VectorMath.Sigmoid(-m), RatioTerms.MinusLogSigmoid(-m) + Vector512.Create(worse));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (Vector512<float> W, Vector512<float> L) Slopes(Vector512<float> w, Vector512<float> l, Vector512<float> m)
        {
            Vector512<float> slope = RatioTerms.Limited(RatioTerms.SigmoidSlope(m), m - Vector512.Create(better - worse));
            return (slope, -slope);
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        double beta = call.Number("beta");
        double smoothing = call.Number("label_smoothing", 0.001);
        AnswerPairs pairs = AnswerPairs.Of(call);
        Values y = Values.Scalar(Forward(pairs, beta, smoothing));
        if (call.Backward(y, out float[]? dy))
            Backward(pairs, beta, smoothing, dy[0], AnswerPairGradients.Of(call));
        return y;
    }
}
