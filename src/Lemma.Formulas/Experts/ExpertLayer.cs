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
        Latex = """
            y = \sum_{i\in K} g_i F_i(x) + \sum_{j\in\mathrm{shared}} F_j(x)\qquad F(x) = \left(\mathrm{silu}(x W_1)\odot(x W_2)\right) W_3
            """,
        Shapes = "x, y: [tokens, d]; router: [d, E]; w1, w2: [E + shared, d, d_ff]; w3: [E + shared, d_ff, d]",
        Symbols = "top_k, score, renormalize, groups, group_limit: as moe_route",
        Source = "Shazeer et al. 2017, eq. 1; Dai et al. 2024, DeepSeekMoE, eq. 9",
        Gradient = "through experts and gates",
        Notes = "Activated weights: (k + shared)·3·d·d_ff of (E + shared)·3·d·d_ff (correction 9).",
        Example = "x[5,4] router[4,3] w1[4,4,6] w2[4,4,6] w3[4,6,4] top_k=2",
        Evaluate = Evaluate,
    };

    /// <summary>The sizes and how experts are picked.</summary>
    /// <param name="Routing">E, k and the score.</param>
    /// <param name="Width">d.</param>
    /// <param name="Inner">d_ff.</param>
    public readonly record struct Options(Routing.Options Routing, int Width, int Inner);

    /// <summary>What the forward keeps for the backward: the routing, and the rows of each expert, gathered in its order.</summary>
    /// <param name="Gates">g, [tokens, E + shared]; shared experts weigh 1.</param>
    /// <param name="Scores">s, [tokens, E].</param>
    /// <param name="Picked">[tokens, k].</param>
    /// <param name="Used">[tokens, k + shared]: the experts of a token, the shared ones last.</param>
    /// <param name="Places">[tokens, k + shared]: the gathered row of each.</param>
    /// <param name="Starts">[E + shared + 1]: an expert's first gathered row, and the end of the last.</param>
    /// <param name="X">Gathered x.</param>
    /// <param name="U">x·W₁, gathered.</param>
    /// <param name="B">x·W₂, gathered.</param>
    /// <param name="H">silu(u)∘b, gathered.</param>
    /// <param name="F">What the experts gave, gathered.</param>
    public sealed record State(float[] Gates, float[] Scores, int[] Picked, int[] Used, int[] Places, int[] Starts, float[] X, float[] U,
        float[] B, float[] H, float[] F);

    /// <summary>y.</summary>
    public static State Forward(in Options o, ReadOnlySpan<float> x, ReadOnlySpan<float> router, ReadOnlySpan<float> w1,
        ReadOnlySpan<float> w2, ReadOnlySpan<float> w3, Span<float> y)
    {
        (int tokens, int all) = Sizes(o, x, router, w1, w2, w3, y.Length);
        int experts = o.Routing.Experts, d = o.Width, k = o.Routing.TopK, each = k + all - experts, rows = tokens * each;
        float[] logits = SpanProduct.New(tokens, experts, d, x, false, router, false), routed = new float[logits.Length];
        State state = new(new float[tokens * all], new float[logits.Length], new int[tokens * k], new int[rows], new int[rows], new int[all + 1],
            new float[rows * d], new float[rows * o.Inner], new float[rows * o.Inner], new float[rows * o.Inner], new float[rows * d]);
        Routing.Forward(o.Routing, logits, default, routed, state.Scores, state.Picked);
        Array.Fill(state.Gates, 1);
        for (int token = 0; token < tokens; token++)
        {
            routed.AsSpan(token * experts, experts).CopyTo(state.Gates.AsSpan(token * all));
            state.Picked.AsSpan(token * k, k).CopyTo(state.Used.AsSpan(token * each));
            for (int e = experts; e < all; e++)
                state.Used[token * each + k + e - experts] = e;
        }
        int[] order = new int[rows];
        ExpertRows.Arrange(state.Used, state.Starts, order, state.Places);
        ExpertRows.Gather(x, d, each, order, state.X);
        for (int e = 0; e < all; e++)
        {
            (Range narrow, Range wide, Range weights) = Ranges(o, state, e);
            if (state.Starts[e] == state.Starts[e + 1])
                continue;
            GatedFeedForward.Forward(new ActivationFunction("silu"), state.X.AsSpan(narrow), w1[weights], w2[weights], w3[weights], d,
                state.F.AsSpan(narrow), state.U.AsSpan(wide), state.B.AsSpan(wide), state.H.AsSpan(wide));
        }
        y.Clear();
        ExpertRows.Combine(state.F, d, state.Places, state.Used, state.Gates, y);
        return state;
    }

    /// <summary>dF = g·dy, dg = ⟨dy, F⟩, then the gradients of the experts and of the routing.</summary>
    public static void Backward(in Options o, State state, ReadOnlySpan<float> x, ReadOnlySpan<float> router, ReadOnlySpan<float> w1,
        ReadOnlySpan<float> w2, ReadOnlySpan<float> w3, ReadOnlySpan<float> dy, Span<float> dx, Span<float> drouter, Span<float> dw1,
        Span<float> dw2, Span<float> dw3)
    {
        ArgumentNullException.ThrowIfNull(state);
        (int tokens, int all) = Sizes(o, x, router, w1, w2, w3, dy.Length);
        int experts = o.Routing.Experts, d = o.Width;
        float[] dgates = new float[state.Gates.Length], drouted = new float[state.Scores.Length], dlogits = new float[drouted.Length];
        float[] up = new float[state.X.Length], dgathered = new float[up.Length];
        ExpertRows.CombineBackward(dy, state.F, d, state.Places, state.Used, state.Gates, up, dgates);
        for (int e = 0; e < all; e++)
        {
            (Range narrow, Range wide, Range weights) = Ranges(o, state, e);
            if (state.Starts[e] == state.Starts[e + 1])
                continue;
            GatedFeedForward.Backward(new ActivationFunction("silu"), state.X.AsSpan(narrow), w1[weights], w2[weights], w3[weights], d,
                state.U.AsSpan(wide), state.B.AsSpan(wide), state.H.AsSpan(wide), up.AsSpan(narrow), dgathered.AsSpan(narrow),
                dw1[weights], dw2[weights], dw3[weights]);
        }
        ExpertRows.Combine(dgathered, d, state.Places, state.Used, default, dx);
        for (int token = 0; token < tokens; token++)
            dgates.AsSpan(token * all, experts).CopyTo(drouted.AsSpan(token * experts));
        Routing.Backward(o.Routing, state.Scores, state.Picked, drouted, dlogits);
        LinearMap.Backward(x, router, d, dlogits, dx, drouter, default);
    }

    private static (int Tokens, int Experts) Sizes(in Options o, ReadOnlySpan<float> x, ReadOnlySpan<float> router, ReadOnlySpan<float> w1,
        ReadOnlySpan<float> w2, ReadOnlySpan<float> w3, int outputs)
    {
        Routing.CheckOptions(o.Routing);
        Check.Rows("moe", x.Length, o.Width);
        Check.SameLength("moe", x.Length, outputs);
        Check.SameLength("moe", o.Width * o.Routing.Experts, router.Length);
        Check.Rows("moe", w1.Length, o.Width * o.Inner);
        Check.SameLength("moe", w1.Length, w2.Length);
        Check.SameLength("moe", w1.Length, w3.Length);
        int all = w1.Length / (o.Width * o.Inner);
        Check.That(all >= o.Routing.Experts, "moe", $"there are {all} feed-forward layers for {o.Routing.Experts} routed experts");
        return (x.Length / o.Width, all);
    }

    // An expert's gathered rows of the width d, those of the width d_ff, and its weights.
    private static (Range Narrow, Range Wide, Range Weights) Ranges(in Options o, State state, int expert)
    {
        int from = state.Starts[expert], to = state.Starts[expert + 1], size = o.Width * o.Inner;
        return ((from * o.Width)..(to * o.Width), (from * o.Inner)..(to * o.Inner), (expert * size)..((expert + 1) * size));
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call.Input("x", -1, -1), router = call.Input("router", x.Columns, -1), w1 = call.Input("w1", -1, x.Columns, -1);
        Values w2 = call.Same("w2", w1), w3 = call.Input("w3", w1.Shape[0], w1.Columns, x.Columns), y = x.Like();
        Options options = new(Routing.Read(call, router.Columns), x.Columns, w1.Columns);
        State state = Forward(options, x, router, w1, w2, w3, y);
        if (call.Backward(y, out float[]? dy))
        {
            Backward(options, state, x, router, w1, w2, w3, dy, call.Gradient("x"), call.Gradient("router"), call.Gradient("w1"),
                call.Gradient("w2"), call.Gradient("w3"));
        }
        return y;
    }
}
