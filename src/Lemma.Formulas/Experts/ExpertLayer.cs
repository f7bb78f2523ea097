namespace Lemma.Formulas;

/// <summary>y = Σ_{i ∈ K} g_i·F_i(x) + Σ shared F_j(x), F(x) = (silu(x·W₁)∘(x·W₂))·W₃.</summary>
/// <remarks>
/// x, y: [tokens, d]; router: [d, E]; w1, w2: [E + shared, d, d_ff]; w3: [E + shared, d_ff, d], the shared experts last. Only routed tokens
/// pass an expert. Shazeer et al. 2017, eq. 1; Dai et al. 2024, DeepSeekMoE, eq. 9.
/// </remarks>
public static class ExpertLayer
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "moe",
        Group = "Experts",
        Text = "y = Σ_{i∈K} g_i·F_i(x) + Σ_shared F_j(x), F(x) = (silu(x·W₁)∘(x·W₂))·W₃",
        Shapes = "x, y: [tokens, d]; router: [d, E]; w1, w2: [E + shared, d, d_ff]; w3: [E + shared, d_ff, d]",
        Symbols = "top_k, score, renormalize, groups, group_limit: as moe_route",
        Source = "Shazeer et al. 2017, eq. 1; Dai et al. 2024, DeepSeekMoE, eq. 9",
        Gradient = "through experts and gates",
        Notes = "Activated weights: (k + shared)·3·d·d_ff of (E + shared)·3·d·d_ff (correction 9).",
        Example = "x[5,4] router[4,3] w1[4,4,6] w2[4,4,6] w3[4,6,4] top_k=2",
        Evaluate = Evaluate,
    };

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call.Input("x", -1, -1), router = call.Input("router", x.Columns, -1), w1 = call.Input("w1", -1, x.Columns, -1),
            w2 = call.Same("w2", w1);
        Values w3 = call.Input("w3", w1.Shape[0], w1.Columns, x.Columns), y = x.Like();
        int experts = router.Columns, d = x.Columns, wide = w1.Columns, all = w1.Shape[0];
        Check.That(all >= experts, "moe", $"there are {all} feed-forward layers for {experts} routed experts");
        Routing.Options options = Routing.Read(call, experts);
        Values logits = new([x.Rows, experts], SpanProduct.New(x.Rows, experts, d, x, false, router, false));
        float[] gates = new float[logits.Count], scores = new float[logits.Count];
        int[] picked = new int[x.Rows * options.TopK];
        Routing.Forward(options, logits, default, gates, scores, picked);
        bool differentiates = call.Backward(y, out float[]? dy);
        float[] dgates = new float[gates.Length], dlogits = new float[gates.Length];
        for (int e = 0; e < all; e++)
        {
            int[] tokens = [.. Enumerable.Range(0, x.Rows).Where(t => e >= experts || gates[t * experts + e] != 0)];
            if (tokens.Length == 0)
                continue;
            float[] rows = Gather(x.Data, tokens, d), u = new float[tokens.Length * wide], b = new float[u.Length], h = new float[u.Length];
            float[] outputs = new float[rows.Length];
            float Gate(int token) => e < experts ? gates[token * experts + e] : 1;
            Range weights = (e * d * wide)..((e + 1) * d * wide);
            GatedFeedForward.Forward(new Activation("silu"), rows, w1.Data.AsSpan(weights), w2.Data.AsSpan(weights),
                w3.Data.AsSpan(weights), d, outputs, u, b, h);
            for (int n = 0; n < tokens.Length; n++)
                Lanes.AddScaled(outputs.AsSpan(n * d, d), Gate(tokens[n]), y.Data.AsSpan(tokens[n] * d, d));
            if (!differentiates)
                continue;
            float[] up = Gather(dy!, tokens, d), dx = new float[up.Length];
            for (int n = 0; n < tokens.Length; n++)
            {
                Span<float> slope = up.AsSpan(n * d, d);
                if (e < experts)
                    dgates[tokens[n] * experts + e] = Lanes.Dot(slope, outputs.AsSpan(n * d, d));
                System.Numerics.Tensors.TensorPrimitives.Multiply(slope, Gate(tokens[n]), slope);
            }
            GatedFeedForward.Backward(new Activation("silu"), rows, w1.Data.AsSpan(weights), w2.Data.AsSpan(weights),
                w3.Data.AsSpan(weights), d, u, b, h, up,
                dx, call.Gradient("w1")[weights], call.Gradient("w2")[weights], call.Gradient("w3")[weights]);
            for (int n = 0; n < tokens.Length; n++)
                Lanes.AddScaled(dx.AsSpan(n * d, d), 1, call.Gradient("x").Slice(tokens[n] * d, d));
        }
        if (differentiates)
        {
            Routing.Backward(options, scores, picked, dgates, dlogits);
            LinearMap.Backward(x, router, d, dlogits, call.Gradient("x"), call.Gradient("router"), default);
        }
        return y;
    }

    private static float[] Gather(float[] from, int[] rows, int width)
    {
        float[] to = new float[rows.Length * width];
        for (int n = 0; n < rows.Length; n++)
            from.AsSpan(rows[n] * width, width).CopyTo(to.AsSpan(n * width));
        return to;
    }
}
