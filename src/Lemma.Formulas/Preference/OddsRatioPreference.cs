using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = E[−a_w − λ·ln σ(ln(o_w/o_l))], o = e^a/(1 − e^a).</summary>
/// <remarks>
/// policy_chosen (a_w), policy_rejected (a_l): [pairs] of mean ln π a token, at most 0; L: []. λ: weight of the odds ratio; logs in nats; a
/// above 0 or NaN is an error. Hong, Lee and Thorne 2024, ORPO, eq. 6 and 7.
/// </remarks>
public static class OddsRatioPreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "orpo",
        Group = "Preference",
        Text = "L = E[−a_w − λ·ln σ(ln(o_w/o_l))], o = e^a/(1 − e^a)",
        Latex = @"L = \mathbb{E}\left[-a_w - \lambda\ln\sigma\left(\ln\frac{o_w}{o_l}\right)\right]\qquad o = \frac{e^a}{1 - e^a}",
        Shapes = "policy_chosen (a_w), policy_rejected (a_l): [pairs] of mean ln π a token, at most 0; L: []",
        Symbols = "λ: weight of the odds ratio; logs in nats; a above 0 or NaN is an error",
        Source = "Hong, Lee and Thorne 2024, ORPO, eq. 6 and 7",
        Gradient = "da_w += (−1 − λ·σ(−h)/(1 − e^a_w))/N·dL, da_l += λ·σ(−h)/(1 − e^a_l)/N·dL, h = ln(o_w/o_l)",
        Notes = "Supervised loss and preference in one; no reference model. In the odds a log probability above −2⁻²⁴, 0 included, counts "
            + "as −2⁻²⁴, the last before a probability of 1 in float32: there the odds would be infinite. TRL's supervised part is a mean over all tokens "
            + "of a batch, prompts included.",
        Example = "policy_chosen:-0.5,-1,-2,-0.1 policy_rejected:-1,-0.7,-3,-2 lambda_=0.3",
        Evaluate = Evaluate,
    };

    /// <summary>L = E[−a_w − λ·ln σ(ln(o_w/o_l))], o = e^a/(1 − e^a).</summary>
    public static double Forward(ReadOnlySpan<float> chosen, ReadOnlySpan<float> rejected, double weight)
    {
        Check.SameLength("orpo", chosen.Length, rejected.Length);
        Check.LogProbabilities("orpo", "policy_chosen", chosen);
        Check.LogProbabilities("orpo", "policy_rejected", rejected);
        return chosen.IsEmpty ? 0 : (weight * Terms.Sum(new Term((float)weight), chosen, rejected) - Lanes.WideSum(chosen)) / chosen.Length;
    }

    /// <summary>
    /// da_w += (−1 − λ·σ(−h)/(1 − e^a_w))/N·dL, da_l += λ·σ(−h)/(1 − e^a_l)/N·dL, h = ln(o_w/o_l); <paramref name="dy"/> is the gradient of
    /// the mean.
    /// </summary>
    public static void Backward(ReadOnlySpan<float> chosen, ReadOnlySpan<float> rejected, double weight, double dy, Span<float> dchosen,
        Span<float> drejected)
    {
        Check.SameLength("orpo", chosen.Length, rejected.Length);
        Check.LogProbabilities("orpo", "policy_chosen", chosen);
        Check.LogProbabilities("orpo", "policy_rejected", rejected);
        Check.SameLength("orpo", chosen.Length, dchosen.Length);
        Check.SameLength("orpo", chosen.Length, drejected.Length);
        Terms.AddSlopes(new Term((float)weight), chosen, rejected, (float)(dy / chosen.Length), dchosen, drejected);
    }

    private readonly struct Term(float weight) : ITerm
    {
        private static Vector512<float> Clamp(Vector512<float> a) => Vector512.MinNative(a, Vector512.Create(-1f / (1 << 24)));

        // −ln σ(h) = max(−h, 0) + ln(1 + e^−|h|).
        public Vector512<float> Value(Vector512<float> a, Vector512<float> b)
        {
            (a, b) = (Clamp(a), Clamp(b));
            Vector512<float> h = a - b + VectorMath.Log(VectorMath.ExpMinusOne(b) / VectorMath.ExpMinusOne(a));
            return Vector512.MaxNative(default, -h) + VectorMath.LogOnePlusExp(h);
        }

        // With u = 1 − e^a: e^h = e^(a_w − a_l)·u_l/u_w, so σ(−h)/u_w = 1/(u_w + e^(a_w − a_l)·u_l), and neither needs h.
        public (Vector512<float> A, Vector512<float> B) Slopes(Vector512<float> a, Vector512<float> b)
        {
            (a, b) = (Clamp(a), Clamp(b));
            Vector512<float> ofChosen = -VectorMath.ExpMinusOne(a), ofRejected = -VectorMath.ExpMinusOne(b), one = Vector512.Create(1f);
            Vector512<float> sum = Vector512.FusedMultiplyAdd(VectorMath.Exp(a - b), ofRejected, ofChosen),
                factor = Vector512.Create(weight);
            return (-(one + factor / sum), ofChosen / sum * factor / ofRejected);
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values chosen = call["policy_chosen"], rejected = call.Same("policy_rejected", chosen);
        double weight = call.Number("lambda_", 0.1);
        Values y = Values.Scalar(Forward(chosen, rejected, weight));
        if (call.Backward(y, out float[]? dy))
            Backward(chosen, rejected, weight, dy[0], call.Gradient("policy_chosen"), call.Gradient("policy_rejected"));
        return y;
    }
}
