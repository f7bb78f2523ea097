using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = E[−ln σ(β·r_w − δ) − ln σ(δ − β·r_l)].</summary>
/// <remarks>A classifier of answers whose logit is the implicit reward. Jung et al. 2024, Binary classifier optimization.</remarks>
public static class ClassifierPreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "bco",
        Group = "Preference",
        Text = "L = E[−ln σ(β·r_w − δ) − ln σ(δ − β·r_l)]",
        Latex = @"L = \mathbb{E}\left[-\ln\sigma(\beta r_w - \delta) - \ln\sigma(\delta - \beta r_l)\right]",
        Shapes = AnswerPairs.Shapes,
        Symbols = AnswerPairs.Ratios + "; β above 0; δ (shift): a constant",
        Source = "Jung et al. 2024, Binary classifier optimization for large language model alignment",
        Gradient = "dr_w −= β·σ(δ − βr_w)/N·dL, dr_l += β·σ(βr_l − δ)/N·dL",
        Notes = "The paper's δ is the moving mean of all rewards; TRL's bco_pair has δ = 0.",
        Example = "policy_chosen[9] policy_rejected[9] reference_chosen[9] reference_rejected[9] beta=0.3 shift=0.2",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(in AnswerPairs pairs, double beta, double shift)
    {
        RatioTerms.RequireBeta("bco", beta);
        return RatioTerms.Mean(new Term((float)shift), beta, pairs);
    }

    /// <summary>dr_w −= β·σ(δ − βr_w)/N·dL, dr_l += β·σ(βr_l − δ)/N·dL; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(in AnswerPairs pairs, double beta, double shift, double dy, in AnswerPairGradients gradients)
    {
        RatioTerms.RequireBeta("bco", beta);
        RatioTerms.AddSlopes(new Term((float)shift), beta, pairs, dy * beta / pairs.Count, gradients);
    }

    private readonly struct Term(float shift) : IRatioTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Value(Vector512<float> w, Vector512<float> l, Vector512<float> m) =>
            RatioTerms.MinusLogSigmoid(w - Vector512.Create(shift)) + RatioTerms.MinusLogSigmoid(Vector512.Create(shift) - l);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (Vector512<float> W, Vector512<float> L) Slopes(Vector512<float> w, Vector512<float> l, Vector512<float> m) =>
            (-VectorMath.Sigmoid(Vector512.Create(shift) - w), VectorMath.Sigmoid(l - Vector512.Create(shift)));
    }

    private static Values Evaluate(FormulaCall call)
    {
        double beta = call.Number("beta");
        double shift = call.Number("shift", 0);
        AnswerPairs pairs = AnswerPairs.Of(call);
        Values y = Values.Scalar(Forward(pairs, beta, shift));
        if (call.Backward(y, out float[]? dy))
            Backward(pairs, beta, shift, dy[0], AnswerPairGradients.Of(call));
        return y;
    }
}
