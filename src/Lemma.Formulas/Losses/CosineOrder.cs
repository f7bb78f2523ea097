namespace Lemma.Formulas;

/// <summary>L = ln(1 + Σ_{yᵢ > yⱼ} e^(s·(cⱼ − cᵢ))), cᵢ = cos(aᵢ, bᵢ): a pair with a higher score is to have the higher cosine. CoSENT.</summary>
/// <remarks>a, b: [n, d]; y: [n]; L: [], in nats. The cosine with a row of zeros is 0. Su 2022.</remarks>
public static class CosineOrder
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "cosent",
        Group = "Losses",
        Text = "L = ln(1 + Σ_{yᵢ > yⱼ} e^(s·(cⱼ − cᵢ))), cᵢ = cos(aᵢ, bᵢ)",
        Latex = @"L = \ln\left(1 + \sum_{y_i \gt y_j} e^{s(c_j - c_i)}\right)\qquad c_i = \cos(a_i, b_i)",
        Shapes = "first (a), second (b): [n, d]; scores (y): [n]; L: []",
        Symbols = "scale s above 0, 20 without it; L in nats; y counts by its order alone; the cosine with a row of zeros is 0",
        Source = "Su 2022, CoSENT (kexue.fm/archives/8847)",
        Gradient = "dcⱼ += s·p, dcᵢ −= s·p, p = e^(s·(cⱼ − cᵢ) − L)·dL; da = (b̂ − c·â)/‖a‖·dc, db = (â − c·b̂)/‖b‖·dc",
        Notes = "0 where all scores are equal. The sum is over pairs of pairs, so what stands together matters.",
        Example = "first[9,8] second[9,8] scores[9]%4 scale=5",
        Evaluate = Evaluate,
    };

    /// <summary>L; 0 where no score is above another.</summary>
    public static double Forward(ReadOnlySpan<float> first, ReadOnlySpan<float> second, ReadOnlySpan<float> scores, double scale)
    {
        CheckInput(first, second, scores, scale);
        return Stable.LogOnePlusSum(Exponents(CosinesOf(first, second, scores.Length), scores, scale));
    }

    /// <summary>da += (b̂ − c·â)/‖a‖·dc, db += (â − c·b̂)/‖b‖·dc; scores have no gradient.</summary>
    public static void Backward(ReadOnlySpan<float> first, ReadOnlySpan<float> second, ReadOnlySpan<float> scores, double scale, double dy,
        Span<float> dfirst, Span<float> dsecond)
    {
        CheckInput(first, second, scores, scale);
        Check.SameLength("cosent", first.Length, dfirst.Length);
        Check.SameLength("cosent", second.Length, dsecond.Length);
        Cosine[] cosines = CosinesOf(first, second, scores.Length);
        double[] exponents = Exponents(cosines, scores, scale), dcosines = new double[cosines.Length];
        double loss = Stable.LogOnePlusSum(exponents);
        int pair = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            for (int j = 0; j < scores.Length; j++)
            {
                if (!(scores[i] > scores[j]))
                    continue;
                double slope = scale * dy * Math.Exp(exponents[pair++] - loss);
                dcosines[j] += slope;
                dcosines[i] -= slope;
            }
        }
        for (int i = 0, d = scores.IsEmpty ? 0 : first.Length / scores.Length; i < scores.Length; i++)
        {
            ReadOnlySpan<float> a = first.Slice(i * d, d), b = second.Slice(i * d, d);
            AddSlopes(cosines[i], dcosines[i], a, b, dfirst.Slice(i * d, d));
            AddSlopes(cosines[i].Swapped, dcosines[i], b, a, dsecond.Slice(i * d, d));
        }
    }

    private static void CheckInput(ReadOnlySpan<float> first, ReadOnlySpan<float> second, ReadOnlySpan<float> scores, double scale)
    {
        Check.SameLength("cosent", first.Length, second.Length);
        if (!scores.IsEmpty || !first.IsEmpty)
            Check.That(!scores.IsEmpty && first.Length % scores.Length == 0, "cosent", $"{first.Length} elements are not rows of {scores.Length} pairs");
        Check.That(scale > 0 && double.IsFinite(scale), "cosent", $"the scale must be above 0, but it is {scale}");
    }

    private static Cosine[] CosinesOf(ReadOnlySpan<float> first, ReadOnlySpan<float> second, int count)
    {
        Cosine[] cosines = new Cosine[count];
        for (int i = 0, d = count == 0 ? 0 : first.Length / count; i < count; i++)
            cosines[i] = Cosine.Of(first.Slice(i * d, d), second.Slice(i * d, d));
        return cosines;
    }

    // s·(cⱼ − cᵢ) of all yᵢ > yⱼ, in the order of i and j.
    private static double[] Exponents(Cosine[] cosines, ReadOnlySpan<float> scores, double scale)
    {
        List<double> exponents = [];
        for (int i = 0; i < scores.Length; i++)
        {
            for (int j = 0; j < scores.Length; j++)
            {
                if (scores[i] > scores[j])
                    exponents.Add(scale * (cosines[j].Value - cosines[i].Value));
            }
        }
        return [.. exponents];
    }

    private static void AddSlopes(Cosine cosine, double dc, ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> da)
    {
        if (cosine.First == 0 || cosine.Second == 0)
            return;
        for (int i = 0; i < a.Length; i++)
            da[i] += (float)(dc * (b[i] / cosine.Second - cosine.Value * a[i] / cosine.First) / cosine.First);
    }

    private static Values Evaluate(FormulaCall call)
    {
        double scale = call.Number("scale", 20);
        Values first = call.Input("first", -1, -1), second = call.Same("second", first), scores = call.Input("scores", first.Rows);
        Values y = Values.Scalar(Forward(first, second, scores, scale));
        if (call.Backward(y, out float[]? dy))
            Backward(first, second, scores, scale, dy[0], call.Gradient("first"), call.Gradient("second"));
        return y;
    }
}
