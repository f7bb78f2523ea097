using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = E[1 − σ(β·r_w) + σ(β·r_l)].</summary>
/// <remarks>For answers that are better than the model's own: the preferred one's probability grows, the other's falls. D’Oosterlinck et al. 2024, eq. 7.</remarks>
public static class AnchoredPreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "apo_zero",
        Group = "Preference",
        Text = "L = E[1 − σ(β·r_w) + σ(β·r_l)]",
        Latex = @"L = \mathbb{E}\left[1 - \sigma(\beta r_w) + \sigma(\beta r_l)\right]",
        Shapes = AnswerPairs.Shapes,
        Symbols = AnswerPairs.Ratios + "; β above 0",
        Source = "D’Oosterlinck et al. 2024, Anchored preference optimization, eq. 7",
        Gradient = "dr_w −= β·σ(βr_w)·σ(−βr_w)/N·dL, dr_l += β·σ(βr_l)·σ(−βr_l)/N·dL",
        Example = "policy_chosen[9] policy_rejected[9] reference_chosen[9] reference_rejected[9] beta=0.3",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(in AnswerPairs pairs, double beta)
    {
        RatioTerms.RequireBeta("apo_zero", beta);
        return RatioTerms.Mean(new Term(), beta, pairs);
    }

    /// <summary>dr_w −= β·σ(βr_w)·σ(−βr_w)/N·dL, dr_l += β·σ(βr_l)·σ(−βr_l)/N·dL; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(in AnswerPairs pairs, double beta, double dy, in AnswerPairGradients gradients)
    {
        RatioTerms.RequireBeta("apo_zero", beta);
        RatioTerms.AddSlopes(new Term(), beta, pairs, dy * beta / pairs.Count, gradients);
    }

    private readonly struct Term : IRatioTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Value(Vector512<float> w, Vector512<float> l, Vector512<float> m) =>
            VectorMath.Sigmoid(-w) + VectorMath.Sigmoid(l);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (Vector512<float> W, Vector512<float> L) Slopes(Vector512<float> w, Vector512<float> l, Vector512<float> m) =>
            (-RatioTerms.SigmoidSlope(w), RatioTerms.SigmoidSlope(l));
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
