namespace Lemma.Formulas;

/// <summary>gᵢ = sᵢ/Σ_{j ∈ K} sⱼ for the k experts K of largest sᵢ + bᵢ, else 0; s = softmax(z) or σ(z).</summary>
/// <remarks>
/// z, g: [tokens, experts]; b: [experts], a bias that picks and does not weigh, or empty. With groups, only experts of the groups with the
/// largest sum of their two best scores may be picked. Of equal scores the first is picked. Shazeer et al. 2017, eq. 3 to 5; DeepSeek-AI
/// 2024, DeepSeek-V3, eq. 13 to 16.
/// </remarks>
public static class Routing
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "moe_route",
        Group = "Experts",
        Text = "g_i = s_i/(Σ_{j∈K} s_j) for i ∈ K, else 0; K = the k largest of s + b",
        Shapes = "logits (z), g: [tokens, experts]",
        Symbols = "s: softmax(z) or σ(z) (score); top_k; renormalize; selection_bias (b) picks and does not weigh; groups, group_limit; "
            + "scale",
        Source = "Shazeer et al. 2017, Outrageously large neural networks, eq. 3; DeepSeek-AI 2024, DeepSeek-V3, eq. 13 to 16",
        Gradient = "through the division and the score; the choice has none",
        Notes = "Cost grows with k, memory with the number of experts (correction 9).",
        Example = "logits[12,8] top_k=2 groups=4 group_limit=2 score=sigmoid",
        Evaluate = Evaluate,
    };

    /// <summary>How experts are picked.</summary>
    /// <param name="Experts">How many experts there are.</param>
    /// <param name="TopK">k.</param>
    /// <param name="Softmax">Scores by softmax, else by σ.</param>
    /// <param name="Renormalize">Whether gates sum to one.</param>
    /// <param name="Groups">Groups of equal size; 1 for none.</param>
    /// <param name="GroupLimit">Groups that may be picked from.</param>
    /// <param name="Scale">What gates are multiplied with.</param>
    public readonly record struct Options(int Experts, int TopK, bool Softmax = true, bool Renormalize = true, int Groups = 1,
        int GroupLimit = 1, float Scale = 1);

    /// <summary>Gates g and scores s, and the picked experts of each token, [tokens, k].</summary>
    public static void Forward(in Options o, ReadOnlySpan<float> logits, ReadOnlySpan<float> bias, Span<float> gates, Span<float> scores,
        Span<int> picked)
    {
        CheckInput(o, logits, bias);
        Check.SameLength("moe_route", logits.Length, gates.Length);
        Check.SameLength("moe_route", logits.Length / o.Experts * o.TopK, picked.Length);
        if (o.Softmax)
            Formulas.Softmax.Forward(logits, o.Experts, 1, scores);
        else
            Sigmoid.Forward(logits, scores);
        gates.Clear();
        float[] keys = new float[o.Experts];
        for (int token = 0; token < logits.Length / o.Experts; token++)
        {
            ReadOnlySpan<float> s = scores.Slice(token * o.Experts, o.Experts);
            s.CopyTo(keys);
            for (int e = 0; e < bias.Length; e++)
                keys[e] += bias[e];
            HideGroups(o, keys);
            Span<int> chosen = picked.Slice(token * o.TopK, o.TopK);
            double total = 0;
            for (int n = 0; n < o.TopK; n++)
            {
                chosen[n] = Largest(keys);
                keys[chosen[n]] = float.NegativeInfinity;
                total += s[chosen[n]];
            }
            foreach (int e in chosen)
                gates[token * o.Experts + e] = (float)(o.Scale * (o.Renormalize ? s[e] / total : s[e]));
        }
    }

    /// <summary>
    /// ds of the picked (through the division when renormalized), then the softmax's or σ's gradient; the choice itself has none.
    /// </summary>
    public static void Backward(in Options o, ReadOnlySpan<float> scores, ReadOnlySpan<int> picked, ReadOnlySpan<float> dgates,
        Span<float> dlogits)
    {
        float[] ds = new float[o.Experts];
        for (int token = 0; token < scores.Length / o.Experts; token++)
        {
            int at = token * o.Experts;
            ReadOnlySpan<int> chosen = picked.Slice(token * o.TopK, o.TopK);
            Array.Clear(ds);
            double total = 0, along = 0;
            foreach (int e in chosen)
            {
                total += scores[at + e];
                along += (double)scores[at + e] * dgates[at + e];
            }
            foreach (int e in chosen)
                ds[e] = (float)(o.Scale * (o.Renormalize ? (dgates[at + e] - along / total) / total : dgates[at + e]));
            ReadOnlySpan<float> s = scores.Slice(at, o.Experts);
            if (o.Softmax)
                Formulas.Softmax.AddRow(s, ds, 1, dlogits.Slice(at, o.Experts));
            else
            {
                for (int e = 0; e < o.Experts; e++)
                    dlogits[at + e] += ds[e] * s[e] * (1 - s[e]);
            }
        }
    }

    private static void HideGroups(in Options o, Span<float> keys)
    {
        if (o.Groups == 1)
            return;
        int size = o.Experts / o.Groups;
        float[] best = new float[o.Groups];
        for (int g = 0; g < o.Groups; g++)
        {
            float first = float.NegativeInfinity, second = float.NegativeInfinity;
            foreach (float key in keys.Slice(g * size, size))
                (first, second) = key > first ? (key, first) : (first, Math.Max(second, key));
            best[g] = size == 1 ? first : first + second;
        }
        for (int n = 0; n < o.GroupLimit; n++)
            best[Largest(best)] = float.NegativeInfinity;
        for (int g = 0; g < o.Groups; g++)
        {
            if (!float.IsNegativeInfinity(best[g]))
                keys.Slice(g * size, size).Fill(float.NegativeInfinity);
        }
    }

    private static int Largest(ReadOnlySpan<float> keys)
    {
        int best = 0;
        for (int e = 1; e < keys.Length; e++)
            best = keys[e] > keys[best] ? e : best;
        return best;
    }

    private static void CheckInput(in Options o, ReadOnlySpan<float> logits, ReadOnlySpan<float> bias)
    {
        CheckOptions(o);
        Check.Rows("moe_route", logits.Length, o.Experts);
        if (!bias.IsEmpty)
            Check.SameLength("moe_route", o.Experts, bias.Length);
        foreach (float logit in logits)
        {
            if (float.IsNaN(logit))
                Check.That(false, "moe_route", $"logits must be numbers, but one is NaN");
        }
    }

    internal static void CheckOptions(in Options o)
    {
        (int experts, int k, int groups, int limit) = (o.Experts, o.TopK, o.Groups, o.GroupLimit);
        Check.That(k > 0 && k <= experts, "moe_route", $"the number of picked experts must lie in [1, {experts}], but it is {k}");
        Check.That(groups > 0 && experts % groups == 0 && limit > 0 && limit <= groups && limit * (experts / groups) >= k, "moe_route",
            $"{limit} of {groups} groups of {experts} experts must hold the {k} that are picked");
    }

    internal static Options Read(FormulaCall call, int experts)
    {
        string score = call.Word("score", "softmax");
        if (score is not ("softmax" or "sigmoid"))
            throw call.Error($"the score must be softmax or sigmoid, but it is {score}");
        Options options = new(experts, call.Whole("top_k"), score == "softmax", call.Flag("renormalize", true), call.Whole("groups", 1),
            call.Whole("group_limit", 1), (float)call.Number("scale", 1));
        CheckOptions(options);
        return options;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logits = call.Input("logits", -1, -1), gates = logits.Like(), scores = logits.Like();
        Options options = Read(call, logits.Columns);
        float[] bias = [.. (call.Numbers("selection_bias") ?? []).Select(value => (float)value)];
        int[] picked = new int[logits.Rows * options.TopK];
        Forward(options, logits, bias, gates, scores, picked);
        if (call.Backward(gates, out float[]? dy))
            Backward(options, scores, picked, dy, call.Gradient("logits"));
        return gates;
    }
}
