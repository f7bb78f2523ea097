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
        Latex = """
            g_i = \begin{cases} s_i/\sum_{j\in K} s_j & i\in K \cr 0 & \text{else} \end{cases}
            K = \text{the } k \text{ largest of } s + b
            """,
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
    /// <param name="GroupsByBest">Whether a group counts by its best score alone, not by the sum of its two best.</param>
    /// <param name="Epsilon">What is added to the sum that gates are divided by.</param>
    public readonly record struct Options(int Experts, int TopK, bool Softmax = true, bool Renormalize = true, int Groups = 1,
        int GroupLimit = 1, float Scale = 1, bool GroupsByBest = false, double Epsilon = 0);

    /// <summary>Gates g and scores s, and the picked experts of each token, [tokens, k].</summary>
    public static unsafe void Forward(in Options o, ReadOnlySpan<float> logits, ReadOnlySpan<float> bias, Span<float> gates,
        Span<float> scores, Span<int> picked)
    {
        CheckInput(o, logits, bias);
        int tokens = logits.Length / o.Experts;
        Check.SameLength("moe_route", logits.Length, gates.Length);
        Check.SameLength("moe_route", logits.Length, scores.Length);
        Check.SameLength("moe_route", tokens * o.TopK, picked.Length);
        gates.Clear();
        SixteenTokens lanes = new(o);
        fixed (float* z = logits, b = bias, g = gates, s = scores)
        fixed (int* to = picked)
        {
            for (int token = 0; token < tokens; token += Lanes.Count)
            {
                int count = Math.Min(Lanes.Count, tokens - token), at = token * o.Experts;
                lanes.Score(z + at, count, s + at);
                lanes.Pick(b);
                lanes.Weigh();
                lanes.Write(count, g + at, to + token * o.TopK);
            }
        }
    }

    /// <summary>
    /// ds of the picked (through the division when renormalized), then the softmax's or σ's gradient; the choice itself has none.
    /// </summary>
    /// <remarks>dscores: what else arrived at the scores, [tokens, E], or empty.</remarks>
    public static unsafe void Backward(in Options o, ReadOnlySpan<float> scores, ReadOnlySpan<int> picked, ReadOnlySpan<float> dgates,
        Span<float> dlogits, ReadOnlySpan<float> dscores = default)
    {
        CheckOptions(o);
        Check.Rows("moe_route", scores.Length, o.Experts);
        int tokens = scores.Length / o.Experts, other = picked.IndexOfAnyExceptInRange(0, o.Experts - 1);
        Check.SameLength("moe_route", tokens * o.TopK, picked.Length);
        Check.SameLength("moe_route", scores.Length, dgates.Length);
        Check.SameLength("moe_route", scores.Length, dlogits.Length);
        if (!dscores.IsEmpty)
            Check.SameLength("moe_route", scores.Length, dscores.Length);
        if (other >= 0)
            Check.That(false, "moe_route", $"picked experts must lie in [0, {o.Experts}), but one is {picked[other]}");
        SixteenTokens lanes = new(o);
        fixed (float* s = scores, up = dgates, also = dscores, to = dlogits)
        fixed (int* from = picked)
        {
            for (int token = 0; token < tokens; token += Lanes.Count)
            {
                int count = Math.Min(Lanes.Count, tokens - token), at = token * o.Experts;
                lanes.Read(count, s + at, from + token * o.TopK, up + at, also == null ? null : also + at);
                lanes.AddSlopes(count, to + at);
            }
        }
    }

    internal static void CheckInput(in Options o, ReadOnlySpan<float> logits, ReadOnlySpan<float> bias)
    {
        CheckOptions(o);
        Check.Rows("moe_route", logits.Length, o.Experts);
        if (!bias.IsEmpty)
            Check.SameLength("moe_route", o.Experts, bias.Length);
        Check.Numbers("moe_route", "logits", logits);
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
