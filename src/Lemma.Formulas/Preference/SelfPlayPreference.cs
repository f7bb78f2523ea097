using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = E[(r_w − 1/(2·β))² + (r_l + 1/(2·β))²].</summary>
/// <remarks>The preferred answer wins with probability 1, the other with 0. Wu et al. 2024, Self-play preference optimization, eq. 4.7, η = 1/β.</remarks>
public static class SelfPlayPreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "sppo",
        Group = "Preference",
        Text = "L = E[(r_w − 1/(2·β))² + (r_l + 1/(2·β))²]",
        Latex = @"L = \mathbb{E}\left[\left(r_w - \frac{1}{2\beta}\right)^2 + \left(r_l + \frac{1}{2\beta}\right)^2\right]",
        Shapes = AnswerPairs.Shapes,
        Symbols = AnswerPairs.Ratios + "; β above 0 (1/η in the paper)",
        Source = "Wu et al. 2024, Self-play preference optimization for language model alignment, eq. 4.7",
        Gradient = "dr_w += 2(r_w − 1/(2β))/N·dL, dr_l += 2(r_l + 1/(2β))/N·dL",
        Notes = "For certain labels: the paper estimates the probability P of winning by a model of preferences, and its target is (P − ½)/β.",
        Example = "policy_chosen[9] policy_rejected[9] reference_chosen[9] reference_rejected[9] beta=0.3",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(in AnswerPairs pairs, double beta)
    {
        RatioTerms.RequireBeta("sppo", beta);
        return RatioTerms.Mean(new Term((float)(0.5 / beta)), 1, pairs);
    }

    /// <summary>dr_w += 2(r_w − 1/(2β))/N·dL, dr_l += 2(r_l + 1/(2β))/N·dL; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(in AnswerPairs pairs, double beta, double dy, in AnswerPairGradients gradients)
    {
        RatioTerms.RequireBeta("sppo", beta);
        RatioTerms.AddSlopes(new Term((float)(0.5 / beta)), 1, pairs, 2 * dy / pairs.Count, gradients);
    }

    // Half of the slope: the other factor of 2 is left to the scale, so that no number passes float32's range on the way.
    private readonly struct Term(float target) : IRatioTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Value(Vector512<float> w, Vector512<float> l, Vector512<float> m)
        {
            (w, l) = (w - Vector512.Create(target), l + Vector512.Create(target));
            return w * w + l * l;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (Vector512<float> W, Vector512<float> L) Slopes(Vector512<float> w, Vector512<float> l, Vector512<float> m) =>
            (w - Vector512.Create(target), l + Vector512.Create(target));
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
