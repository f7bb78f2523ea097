using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = E[−ln σ(β·r_w) − (ln σ(−β·r_w) + ln σ(−β·r_l))/2].</summary>
/// <remarks>Each answer is told apart from noise by itself, so the preferred one’s probability does not fall. Chen et al. 2024, NCA for two answers.</remarks>
public static class ContrastivePreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "nca",
        Group = "Preference",
        Text = "L = E[−ln σ(β·r_w) − ½·ln σ(−β·r_w) − ½·ln σ(−β·r_l)]",
        Latex = @"L = \mathbb{E}\left[-\ln\sigma(\beta r_w) - \frac{1}{2}\ln\sigma(-\beta r_w) - \frac{1}{2}\ln\sigma(-\beta r_l)\right]",
        Shapes = AnswerPairs.Shapes,
        Symbols = AnswerPairs.Ratios + "; β above 0",
        Source = "Chen et al. 2024, Noise contrastive alignment of language models with explicit rewards, NCA for pairs",
        Gradient = "dr_w += β·(½·σ(βr_w) − σ(−βr_w))/N·dL, dr_l += ½·β·σ(βr_l)/N·dL",
        Example = "policy_chosen[9] policy_rejected[9] reference_chosen[9] reference_rejected[9] beta=0.3",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(in AnswerPairs pairs, double beta)
    {
        RatioTerms.RequireBeta("nca", beta);
        return RatioTerms.Mean(new Term(), beta, pairs);
    }

    /// <summary>dr_w += β·(½·σ(βr_w) − σ(−βr_w))/N·dL, dr_l += ½·β·σ(βr_l)/N·dL; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(in AnswerPairs pairs, double beta, double dy, in AnswerPairGradients gradients)
    {
        RatioTerms.RequireBeta("nca", beta);
        RatioTerms.AddSlopes(new Term(), beta, pairs, dy * beta / pairs.Count, gradients);
    }

    private readonly struct Term : IRatioTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Value(Vector512<float> w, Vector512<float> l, Vector512<float> m) =>
            RatioTerms.MinusLogSigmoid(w) + (RatioTerms.MinusLogSigmoid(-w) + RatioTerms.MinusLogSigmoid(-l)) * 0.5f;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (Vector512<float> W, Vector512<float> L) Slopes(Vector512<float> w, Vector512<float> l, Vector512<float> m) =>
            (VectorMath.Sigmoid(w) * 0.5f - VectorMath.Sigmoid(-w), VectorMath.Sigmoid(l) * 0.5f);
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
