using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = E[σ(β·r_w) + 1 − σ(β·m)], m = r_w − r_l.</summary>
/// <remarks>For answers that are worse than the model's own: both probabilities fall, the other's faster. D’Oosterlinck et al. 2024, eq. 8.</remarks>
public static class AnchoredDownPreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "apo_down",
        Group = "Preference",
        Text = "L = E[σ(β·r_w) + 1 − σ(β·m)], m = r_w − r_l",
        Latex = @"L = \mathbb{E}\left[\sigma(\beta r_w) + 1 - \sigma(\beta m)\right]\qquad m = r_w - r_l",
        Shapes = AnswerPairs.Shapes,
        Symbols = AnswerPairs.Ratios + "; β above 0",
        Source = "D’Oosterlinck et al. 2024, Anchored preference optimization, eq. 8",
        Gradient = "dr_w += β·(σ'(βr_w) − σ'(βm))/N·dL, dr_l += β·σ'(βm)/N·dL, σ' = σ·(1 − σ)",
        Example = "policy_chosen[9] policy_rejected[9] reference_chosen[9] reference_rejected[9] beta=0.3",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(in AnswerPairs pairs, double beta)
    {
        RatioTerms.RequireBeta("apo_down", beta);
        return RatioTerms.Mean(new Term(), beta, pairs);
    }

    /// <summary>dr_w += β·(σ'(βr_w) − σ'(βm))/N·dL, dr_l += β·σ'(βm)/N·dL, σ' = σ·(1 − σ); <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(in AnswerPairs pairs, double beta, double dy, in AnswerPairGradients gradients)
    {
        RatioTerms.RequireBeta("apo_down", beta);
        RatioTerms.AddSlopes(new Term(), beta, pairs, dy * beta / pairs.Count, gradients);
    }

    private readonly struct Term : IRatioTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Value(Vector512<float> w, Vector512<float> l, Vector512<float> m) =>
            VectorMath.Sigmoid(w) + VectorMath.Sigmoid(-m);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (Vector512<float> W, Vector512<float> L) Slopes(Vector512<float> w, Vector512<float> l, Vector512<float> m)
        {
            Vector512<float> slope = RatioTerms.SigmoidSlope(m);
            return (RatioTerms.SigmoidSlope(w) - slope, slope);
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        double beta = call.Number("beta");
        AnswerPairs pairs = AnswerPairs.Of(call);
        Values y = Values.Scalar(Forward(pairs, beta));
        if (call.Backward(y, out float[]? dy))
            Backward(pairs, beta, dy[0], AnswerPairGradients.Of(call));
        return y;
    }
}
