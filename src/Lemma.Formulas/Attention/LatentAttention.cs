namespace Lemma.Formulas;

/// <summary>
/// c = x·W_C; head h: softmax((q_h·k_hᵀ + q'_h·k'ᵀ)/√(d_n + d_r))·v_h, k_h = c·U_h, v_h = c·V_h, q' and k' = x·W_R turned by position.
/// </summary>
/// <remarks>
/// Multi-head latent attention: what is cached is the latent c [T, r] and the one rotary key k' [T, d_r]. Naive form: keys and values are
/// unpacked from c. Absorbed form: U_h goes into the query, q_h·U_hᵀ, and V_h behind the sum, so that all heads share c as key and as
/// value. x: [T, d]; W_Q: [d, H·(d_n + d_r)]; W_C: [d, r]; U: [r, H·d_n]; V: [r, H·d_n]; W_R: [d, d_r]; W_O: [H·d_n, d]. Causal.
/// DeepSeek-AI 2024, DeepSeek-V2, eq. 9 to 19.
/// </remarks>
public static class LatentAttention
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "multi_head_latent_attention",
        Group = "Attention",
        Text = "c = x·W_C, Y = Σ_h softmax((q_h·(c·U_h)ᵀ + q_h^R·k^Rᵀ)/√(d_n + d_r))·(c·V_h)·W_O,h",
        Latex = """
            Y = \sum_h\mathrm{softmax}\left(\frac{q_h (c U_h)^\top + q_h^R (k^R)^\top}{\sqrt{d_n + d_r}}\right) c V_h W_{O,h}
            c = x W_C
            """,
        Shapes = "x, Y: [T, d]; wq: [d, H·(d_n + d_r)]; wc: [d, r]; u, v: [r, H·d_n]; wr: [d, d_r]; wo: [H·d_n, d]",
        Symbols = "heads (H); q^R, k^R = x·W_R: turned by position; W_O,h: the rows of W_O of a head; form: naive or absorbed; causal",
        Source = "DeepSeek-AI 2024, DeepSeek-V2, eq. 9 to 19",
        Gradient = "through the latent and the attention",
        Notes = "The cache holds r + d_r numbers a token instead of 2·H·d_h. Both forms are equal.",
        Example = "x[5,8] wq[8,12] wc[8,3] wr[8,2] u[3,8] v[3,8] wo[8,8] heads=2",
        Evaluate = Evaluate,
    };

    /// <summary>The sizes that no weight tells.</summary>
    /// <param name="Heads">H.</param>
    /// <param name="Width">d.</param>
    /// <param name="Theta">The base of the rotary positions.</param>
    public readonly record struct Options(int Heads, int Width, double Theta = 10000);

    /// <summary>The weights, or their gradients.</summary>
    public readonly ref struct Weights(Span<float> query, Span<float> latent, Span<float> rotary, Span<float> key, Span<float> value,
        Span<float> output)
    {
        /// <summary>W_Q, [d, H·(d_n + d_r)].</summary>
        public Span<float> Query { get; } = query;

        /// <summary>W_C, [d, r].</summary>
        public Span<float> Latent { get; } = latent;

        /// <summary>W_R, [d, d_r].</summary>
        public Span<float> Rotary { get; } = rotary;

        /// <summary>U, [r, H·d_n].</summary>
        public Span<float> Key { get; } = key;

        /// <summary>V, [r, H·d_n].</summary>
        public Span<float> Value { get; } = value;

        /// <summary>W_O, [H·d_n, d].</summary>
        public Span<float> Output { get; } = output;
    }

    /// <summary>What the forward keeps for the backward.</summary>
    /// <param name="Sizes">Of the attention inside.</param>
    /// <param name="Latent">c, [T, r]: with <paramref name="RotaryKey"/> all that a cache holds.</param>
    /// <param name="RotaryKey">k', [T, d_r], turned.</param>
    /// <param name="Queries">[H, T, d_n + d_r], turned.</param>
    /// <param name="Keys">[H, T, d_n + d_r].</param>
    /// <param name="Values">[H, T, d_n].</param>
    /// <param name="Heads">[H, T, d_n].</param>
    /// <param name="Logs">[H, T].</param>
    public sealed record State(HeadSizes Sizes, float[] Latent, float[] RotaryKey, float[] Queries, float[] Keys, float[] Values,
        float[] Heads, float[] Logs);

    /// <summary>Y, with keys and values unpacked.</summary>
    public static State Forward(in Options o, ReadOnlySpan<float> x, in Weights w, Span<float> y)
    {
        HeadSizes sizes = Check(o, x, w);
        int length = sizes.Keys, rank = w.Latent.Length / o.Width, plain = sizes.ValueWidth, wide = sizes.Heads * plain;
        (float[] queries, float[] latent, float[] rotaryKey) = Project(o, sizes, x, w);
        float[] keys = Keys(sizes, SpanProduct.New(length, wide, rank, latent, false, w.Key, false), rotaryKey);
        float[] values = HeadSizes.Split(SpanProduct.New(length, wide, rank, latent, false, w.Value, false), 1, sizes.Heads, plain);
        float[] heads = new float[values.Length], logs = new float[sizes.Rows];
        ScoredEvaluation.Forward(sizes, new HeadAttention.Mask(true), queries, keys, values, heads, logs);
        SpanProduct.Multiply(length, o.Width, wide, HeadSizes.Join(heads, 1, sizes.Heads, plain), false, w.Output, false, y);
        return new State(sizes, latent, rotaryKey, queries, keys, values, heads, logs);
    }

    /// <summary>Y, with U in the queries and V behind the sum: all heads share the latent as key and as value.</summary>
    public static void ForwardAbsorbed(in Options o, ReadOnlySpan<float> x, in Weights w, Span<float> y)
    {
        HeadSizes sizes = Check(o, x, w);
        int length = sizes.Keys, rank = w.Latent.Length / o.Width, plain = sizes.ValueWidth, rotary = sizes.Width - plain,
            wide = rank + rotary;
        (float[] queries, float[] latent, float[] rotaryKey) = Project(o, sizes, x, w);
        float[] absorbed = new float[sizes.Rows * wide], keys = new float[length * wide], sums = new float[sizes.Rows * rank];
        float[] heads = new float[sizes.Rows * plain], part = new float[rank * plain], unturned = new float[length * plain];
        for (int h = 0; h < sizes.Heads; h++)
        {
            Columns(w.Key, rank, h * plain, plain, part);
            Columns(queries.AsSpan(h * length * sizes.Width, length * sizes.Width), length, 0, plain, unturned);
            float[] product = SpanProduct.New(length, rank, plain, unturned, false, part, true);
            for (int t = 0; t < length; t++)
            {
                Span<float> to = absorbed.AsSpan((h * length + t) * wide, wide);
                product.AsSpan(t * rank, rank).CopyTo(to);
                queries.AsSpan((h * length + t) * sizes.Width + plain, rotary).CopyTo(to[rank..]);
            }
        }
        for (int t = 0; t < length; t++)
        {
            latent.AsSpan(t * rank, rank).CopyTo(keys.AsSpan(t * wide));
            rotaryKey.AsSpan(t * rotary, rotary).CopyTo(keys.AsSpan(t * wide + rank));
        }
        HeadAttention.Mask mask = new(true, Scale: (float)(1 / Math.Sqrt(sizes.Width)));
        ScoredEvaluation.Forward(new HeadSizes(1, sizes.Heads, 1, length, length, wide, rank), mask, absorbed, keys, latent, sums,
            new float[sizes.Rows]);
        for (int h = 0; h < sizes.Heads; h++)
        {
            Columns(w.Value, rank, h * plain, plain, part);
            SpanProduct.Multiply(length, plain, rank, sums.AsSpan(h * length * rank, length * rank), false, part, false,
                heads.AsSpan(h * length * plain, length * plain));
        }
        SpanProduct.Multiply(length, o.Width, sizes.Heads * plain, HeadSizes.Join(heads, 1, sizes.Heads, plain), false, w.Output, false, y);
    }

    /// <summary>
    /// dW_O += headsᵀ·dy, then the attention's gradient, then those of the projections; <paramref name="dx"/> is added to.
    /// </summary>
    public static void Backward(in Options o, State state, ReadOnlySpan<float> x, in Weights w, ReadOnlySpan<float> dy, Span<float> dx,
        in Weights dw)
    {
        ArgumentNullException.ThrowIfNull(state);
        HeadSizes sizes = state.Sizes;
        int length = sizes.Keys, rank = w.Latent.Length / o.Width, plain = sizes.ValueWidth, rotary = sizes.Width - plain,
            wide = sizes.Heads * plain;
        SpanProduct.Multiply(wide, o.Width, length, HeadSizes.Join(state.Heads, 1, sizes.Heads, plain), true, dy, false, dw.Output,
            add: true);
        float[] up = HeadSizes.Split(SpanProduct.New(length, wide, o.Width, dy, false, w.Output, true), 1, sizes.Heads, plain);
        float[] dq = new float[state.Queries.Length], dk = new float[state.Keys.Length], dv = new float[state.Values.Length];
        ScoredEvaluation.Backward(sizes, new HeadAttention.Mask(true), state.Queries, state.Keys, state.Values, state.Heads, state.Logs,
            up, dq, dk, dv);
        float[] dkeys = new float[length * wide], drotary = new float[length * rotary], dlatent = new float[length * rank];
        for (int row = 0; row < sizes.Rows; row++)
        {
            (int h, int t) = (row / length, row % length);
            ReadOnlySpan<float> slope = dk.AsSpan(row * sizes.Width, sizes.Width);
            slope[..plain].CopyTo(dkeys.AsSpan(t * wide + h * plain, plain));
            Lanes.AddScaled(slope[plain..], 1, drotary.AsSpan(t * rotary, rotary));
        }
        Turn(o, sizes, dq, drotary, inverse: true);
        LinearMap.Backward(x, w.Query, o.Width, HeadSizes.Join(dq, 1, sizes.Heads, sizes.Width), dx, dw.Query, default);
        LinearMap.Backward(x, w.Rotary, o.Width, drotary, dx, dw.Rotary, default);
        LinearMap.Backward(state.Latent, w.Key, rank, dkeys, dlatent, dw.Key, default);
        LinearMap.Backward(state.Latent, w.Value, rank, HeadSizes.Join(dv, 1, sizes.Heads, plain), dlatent, dw.Value, default);
        LinearMap.Backward(x, w.Latent, o.Width, dlatent, dx, dw.Latent, default);
    }

    // Keys and queries are d_n + d_r wide, values d_n.
    private static HeadSizes Check(in Options o, ReadOnlySpan<float> x, in Weights w)
    {
        const string Formula = "multi_head_latent_attention";
        Formulas.Check.That(o.Heads > 0 && o.Width > 0, Formula, $"heads and width must be above 0, but they are {o.Heads} and {o.Width}");
        int rank = w.Latent.Length / o.Width, rotary = w.Rotary.Length / o.Width, wide = rank == 0 ? 0 : w.Key.Length / rank,
            length = x.Length / o.Width;
        Formulas.Check.That(rank > 0 && wide > 0 && wide % o.Heads == 0 && w.Query.Length == o.Width * (wide + o.Heads * rotary), Formula,
            $"{o.Heads} heads: U must hold [r, H·d_n] and W_Q [d, H·(d_n + {rotary})], "
            + $"but they hold {w.Key.Length} and {w.Query.Length} numbers, r = {rank}");
        Formulas.Check.SameLength(Formula, rank * wide, w.Value.Length);
        Formulas.Check.SameLength(Formula, wide * o.Width, w.Output.Length);
        Formulas.Check.SameLength(Formula, length * o.Width, x.Length);
        return new HeadSizes(1, o.Heads, o.Heads, length, length, wide / o.Heads + rotary, wide / o.Heads);
    }

    // Queries of the heads and the shared key, turned by position, and the latent.
    private static (float[] Queries, float[] Latent, float[] RotaryKey) Project(in Options o, in HeadSizes sizes, ReadOnlySpan<float> x,
        in Weights w)
    {
        int length = sizes.Keys, rotary = sizes.Width - sizes.ValueWidth;
        float[] latent = SpanProduct.New(length, w.Latent.Length / o.Width, o.Width, x, false, w.Latent, false);
        float[] rotaryKey = SpanProduct.New(length, rotary, o.Width, x, false, w.Rotary, false);
        float[] queries = HeadSizes.Split(SpanProduct.New(length, sizes.Heads * sizes.Width, o.Width, x, false, w.Query, false), 1,
            sizes.Heads, sizes.Width);
        Turn(o, sizes, queries, rotaryKey, inverse: false);
        return (queries, latent, rotaryKey);
    }

    // k_h beside k'.
    private static float[] Keys(in HeadSizes sizes, ReadOnlySpan<float> unpacked, ReadOnlySpan<float> rotaryKey)
    {
        float[] keys = new float[sizes.Rows * sizes.Width];
        int plain = sizes.ValueWidth, rotary = sizes.Width - plain;
        for (int row = 0; row < sizes.Rows; row++)
        {
            (int h, int t) = (row / sizes.Keys, row % sizes.Keys);
            Span<float> key = keys.AsSpan(row * sizes.Width, sizes.Width);
            unpacked.Slice((t * sizes.Heads + h) * plain, plain).CopyTo(key);
            rotaryKey.Slice(t * rotary, rotary).CopyTo(key[plain..]);
        }
        return keys;
    }

    // Some columns of a matrix, one row after another.
    private static void Columns(ReadOnlySpan<float> matrix, int rows, int first, int count, Span<float> to)
    {
        int width = matrix.Length / rows;
        for (int row = 0; row < rows; row++)
            matrix.Slice(row * width + first, count).CopyTo(to.Slice(row * count, count));
    }

    // The rotary parts of queries [H, T, d_n + d_r] and of the shared key [T, d_r].
    private static void Turn(in Options o, in HeadSizes sizes, float[] queries, float[] rotaryKey, bool inverse)
    {
        int plain = sizes.ValueWidth, rotary = sizes.Width - plain, half = rotary / 2, length = sizes.Keys;
        (float[] cosines, float[] sines) = RopeFormula.Angles(0, length, rotary, o.Theta, RopeScaling.None);
        for (int row = 0; row < sizes.Rows + length; row++)
        {
            int t = row % length;
            Span<float> part = row < sizes.Rows ? queries.AsSpan(row * sizes.Width + plain, rotary) : rotaryKey.AsSpan(t * rotary, rotary);
            Rope.Turn(part, cosines.AsSpan(t * half, half), sines.AsSpan(t * half, half), interleaved: true, inverse);
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call.Input("x", -1, -1), wq = call.Input("wq", x.Columns, -1), wc = call.Input("wc", x.Columns, -1);
        Values wr = call.Input("wr", x.Columns, -1), u = call.Input("u", wc.Columns, -1), v = call.Same("v", u);
        Values wo = call.Input("wo", u.Columns, x.Columns), y = x.Like();
        string form = call.Word("form", "naive");
        if (form is not ("naive" or "absorbed"))
            throw call.Error($"the form must be naive or absorbed, but it is {form}");
        Options options = new(call.Whole("heads"), x.Columns, call.Number("theta", 10000));
        Weights weights = new(wq.Data, wc.Data, wr.Data, u.Data, v.Data, wo.Data);
        State state = Forward(options, x, weights, y);
        if (form == "absorbed")
            ForwardAbsorbed(options, x, weights, y);
        if (call.Backward(y, out float[]? dy))
        {
            Backward(options, state, x, weights, dy, call.Gradient("x"), new Weights(call.Gradient("wq"), call.Gradient("wc"),
                call.Gradient("wr"), call.Gradient("u"), call.Gradient("v"), call.Gradient("wo")));
        }
        return y;
    }
}
