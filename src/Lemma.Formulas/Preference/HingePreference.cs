using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = E[max(0, 1 − β·m)], m = ln(π(y_w)/π_ref(y_w)) − ln(π(y_l)/π_ref(y_l)).</summary>
/// <remarks>Zhao et al. 2023, SLiC-HF; with a reference as in Liu et al. 2023, RSO.</remarks>
public static class HingePreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "hinge_preference",
        Group = "Preference",
        Text = "L = E[max(0, 1 − β·m)], m = r_w − r_l",
        Latex = """
            L = \mathbb{E}\left[\max\left(0, 1 - \beta m\right)\right]
            m = \ln\frac{\pi(y_w)}{\pi_\mathrm{ref}(y_w)} - \ln\frac{\pi(y_l)}{\pi_\mathrm{ref}(y_l)}
            """,
        Shapes = AnswerPairs.Shapes,
        Symbols = AnswerPairs.Ratios + "; β: one over the margin to reach, above 0",
        Source = "Zhao et al. 2023, SLiC-HF; Liu et al. 2023, Statistical rejection sampling improves preference optimization",
        Gradient = "dm −= β/N·dL where β·m is below 1",
        Notes = "Pairs beyond the margin are left alone; SLiC compares bare log probabilities, this compares with a reference.",
        Example = "policy_chosen[9] policy_rejected[9] reference_chosen[9] reference_rejected[9] beta=0.3",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(in AnswerPairs pairs, double beta)
    {
        RatioTerms.RequireBeta("hinge_preference", beta);
        return RatioTerms.Mean(new Term(), beta, pairs);
    }

    /// <summary>dm −= β/N·dL where β·m is below 1; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(in AnswerPairs pairs, double beta, double dy, in AnswerPairGradients gradients)
    {
        RatioTerms.RequireBeta("hinge_preference", beta);
        RatioTerms.AddSlopes(new Term(), beta, pairs, dy * beta / pairs.Count, gradients);
    }

    private readonly struct Term : IRatioTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Value(Vector512<float> w, Vector512<float> l, Vector512<float> m) =>
            Vector512.MaxNative(default, Vector512.Create(1f) - m);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (Vector512<float> W, Vector512<float> L) Slopes(Vector512<float> w, Vector512<float> l, Vector512<float> m)
        {
            Vector512<float> slope = Vector512.Create(-1f) & Vector512.LessThan(m, Vector512.Create(1f));
            return (slope, -slope);
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
