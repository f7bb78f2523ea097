namespace Lemma.Formulas;

/// <summary>
/// c = x·W_C; head h: softmax((q_h·k_hᵀ + q'_h·k'ᵀ)/√(d_n + d_r))·v_h, k_h = c·U_h, v_h = c·V_h, q' and k' = x·W_R turned by position.
/// </summary>
/// <remarks>
/// Multi-head latent attention: what is cached is the latent c [T, r] and the one rotary key k' [T, d_r]. Naive form: keys and values are
/// unpacked from c. Absorbed form: U_h goes into the query, q_h·U_hᵀ, and V_h behind the sum, so that all heads share c as key and as value.
/// x: [T, d]; W_Q: [d, H·(d_n + d_r)]; W_C: [d, r]; U: [r, H·d_n]; V: [r, H·d_n]; W_R: [d, d_r]; W_O: [H·d_n, d]. Causal.
/// DeepSeek-AI 2024, DeepSeek-V2, eq. 9 to 19.
/// </remarks>
public static class LatentAttention
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "multi_head_latent_attention",
        Group = "Attention",
        Text = "c = x·W_C, Y = Σ_h softmax((q_h·(c·U_h)ᵀ + q_h^R·k^Rᵀ)/√(d_n + d_r))·(c·V_h)·W_O",
        Shapes = "x, Y: [T, d]; wq: [d, H·(d_n + d_r)]; wc: [d, r]; u, v: [r, H·d_n]; wr: [d, d_r]; wo: [H·d_n, d]",
        Symbols = "heads (H); form: naive or absorbed; causal",
        Source = "DeepSeek-AI 2024, DeepSeek-V2, eq. 9 to 19",
        Gradient = "through the latent and the attention",
        Notes = "The cache holds r + d_r numbers a token instead of 2·H·d_h. Both forms are equal.",
        Example = "x[5,8] wq[8,12] wc[8,3] wr[8,2] u[3,8] v[3,8] wo[8,8] heads=2",
        Evaluate = Evaluate,
    };

    private readonly record struct Causal : IScore
    {
        public float Add(int sequence, int head, int i, int j) => j <= i ? 0 : float.NegativeInfinity;
    }

    private sealed record Parts(int Length, int Width, int Heads, int Plain, int Rotary, int Rank, float[] Queries, float[] Latent,
        float[] Keys,
        float[] Values, float[] RotaryKey, float[] Cosines, float[] Sines)
    {
        public int HeadWidth => Plain + Rotary;

        public double Scale => 1 / Math.Sqrt(HeadWidth);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call.Input("x", -1, -1), wq = call.Input("wq", x.Columns, -1), wc = call.Input("wc", x.Columns, -1),
            wr = call.Input("wr", x.Columns, -1);
        Values u = call.Input("u", wc.Columns, -1), v = call.Same("v", u), wo = call.Input("wo", u.Columns, x.Columns), y = x.Like();
        int heads = call.Whole("heads"), rotary = wr.Columns, rank = wc.Columns, length = x.Rows, d = x.Columns;
        Check.That(heads > 0 && u.Columns % heads == 0 && wq.Columns == u.Columns + heads * rotary, "multi_head_latent_attention",
            $"{heads} heads: the columns of u {u} must be H·d_n and those of wq {wq} H·(d_n + {rotary})");
        int plain = u.Columns / heads;
        string form = call.Word("form", "naive");
        Check.That(form is "naive" or "absorbed", "multi_head_latent_attention", $"the form must be naive or absorbed, but it is {form}");
        (float[] cosines, float[] sines) = RopeFormula.Angles(0, length, rotary, call.Number("theta", 10000), RopeScaling.None);
        float[] latent = SpanProduct.New(length, rank, d, x, false, wc, false);
        Parts p = new(length, d, heads, plain, rotary, rank, HeadSizes.Split(SpanProduct.New(length, wq.Columns, d, x, false, wq, false), 1,
            heads, plain + rotary),
            latent, SpanProduct.New(length, u.Columns, rank, latent, false, u, false), SpanProduct.New(length, u.Columns, rank, latent,
                false, v, false),
            SpanProduct.New(length, rotary, d, x, false, wr, false), cosines, sines);
        TurnAll(p, p.Queries, p.RotaryKey, inverse: false);
        float[] naiveKeys = NaiveKeys(p), values = HeadSizes.Split(p.Values, 1, heads, plain);
        HeadSizes sizes = new(1, heads, heads, length, length, p.HeadWidth, plain);
        float[] outputs = form == "naive" ? new float[heads * length * plain] : Absorbed(p, u, v);
        if (form == "naive")
            ScoredAttention.Forward(sizes, p.Scale, Wide(p.Queries), Wide(naiveKeys), Wide(values), default(Causal), outputs);
        float[] joined = HeadSizes.Join(outputs, 1, heads, plain);
        SpanProduct.Multiply(length, d, heads * plain, joined, false, wo, false, y);
        if (call.Backward(y, out float[]? dy))
        {
            SpanProduct.Multiply(heads * plain, d, length, joined, true, dy, false, call.Gradient("wo"), add: true);
            float[] up = HeadSizes.Split(SpanProduct.New(length, heads * plain, d, dy, false, wo, true), 1, heads, plain);
            float[] dq = new float[p.Queries.Length], dk = new float[naiveKeys.Length], dv = new float[values.Length];
            ScoredAttention.Backward(sizes, p.Scale, Wide(p.Queries), Wide(naiveKeys), Wide(values), default(Causal), Wide(up), dq, dk, dv);
            Backward(call, p, x, wq, wc, wr, u, v, dq, dk, HeadSizes.Join(dv, 1, heads, plain));
        }
        return y;
    }

    // From the gradients of queries, keys and values to those of x and the weights.
    private static void Backward(FormulaCall call, Parts p, Values x, Values wq, Values wc, Values wr, Values u, Values v,
        float[] dq, float[] dk, float[] dvalues)
    {
        float[] dkeys = new float[p.Keys.Length], drotary = new float[p.RotaryKey.Length], dlatent = new float[p.Latent.Length];
        for (int h = 0; h < p.Heads; h++)
        {
            for (int t = 0; t < p.Length; t++)
            {
                ReadOnlySpan<float> slope = dk.AsSpan((h * p.Length + t) * p.HeadWidth, p.HeadWidth);
                slope[..p.Plain].CopyTo(dkeys.AsSpan((t * p.Heads + h) * p.Plain, p.Plain));
                Lanes.AddScaled(slope[p.Plain..], 1, drotary.AsSpan(t * p.Rotary, p.Rotary));
            }
        }
        TurnAll(p, dq, drotary, inverse: true);
        Span<float> dx = call.Gradient("x");
        LinearMap.Backward(x, wq, p.Width, HeadSizes.Join(dq, 1, p.Heads, p.HeadWidth), dx, call.Gradient("wq"), default);
        LinearMap.Backward(x, wr, p.Width, drotary, dx, call.Gradient("wr"), default);
        LinearMap.Backward(p.Latent, u, p.Rank, dkeys, dlatent, call.Gradient("u"), default);
        LinearMap.Backward(p.Latent, v, p.Rank, dvalues, dlatent, call.Gradient("v"), default);
        LinearMap.Backward(x, wc, p.Width, dlatent, dx, call.Gradient("wc"), default);
    }

    // Queries q_h·U_hᵀ beside q'_h, one key [c, k'] for all heads, one value c; then V_h behind the sum.
    private static float[] Absorbed(Parts p, Values u, Values v)
    {
        int wide = p.Rank + p.Rotary;
        double[] queries = new double[p.Heads * p.Length * wide], keys = new double[p.Length * wide];
        float[] sums = new float[p.Heads * p.Length * p.Rank], outputs = new float[p.Heads * p.Length * p.Plain];
        for (int row = 0; row < p.Heads * p.Length; row++)
        {
            int h = row / p.Length;
            ReadOnlySpan<float> query = p.Queries.AsSpan(row * p.HeadWidth, p.HeadWidth);
            for (int r = 0; r < p.Rank; r++)
                queries[row * wide + r] = Lanes.Dot(query[..p.Plain], u.Data.AsSpan(r * u.Columns + h * p.Plain, p.Plain));
            for (int i = 0; i < p.Rotary; i++)
                queries[row * wide + p.Rank + i] = query[p.Plain + i];
        }
        for (int t = 0; t < p.Length; t++)
        {
            for (int i = 0; i < wide; i++)
                keys[t * wide + i] = i < p.Rank ? p.Latent[t * p.Rank + i] : p.RotaryKey[t * p.Rotary + i - p.Rank];
        }
        HeadSizes sizes = new(1, p.Heads, 1, p.Length, p.Length, wide, p.Rank);
        ScoredAttention.Forward(sizes, p.Scale, queries, keys, Wide(p.Latent), default(Causal), sums);
        for (int row = 0; row < p.Heads * p.Length; row++)
        {
            for (int r = 0; r < p.Rank; r++)
            {
                Lanes.AddScaled(v.Data.AsSpan(r * v.Columns + row / p.Length * p.Plain, p.Plain), sums[row * p.Rank + r],
                    outputs.AsSpan(row * p.Plain, p.Plain));
            }
        }
        return outputs;
    }

    private static float[] NaiveKeys(Parts p)
    {
        float[] keys = new float[p.Heads * p.Length * p.HeadWidth];
        for (int h = 0; h < p.Heads; h++)
        {
            for (int t = 0; t < p.Length; t++)
            {
                Span<float> key = keys.AsSpan((h * p.Length + t) * p.HeadWidth, p.HeadWidth);
                p.Keys.AsSpan((t * p.Heads + h) * p.Plain, p.Plain).CopyTo(key);
                p.RotaryKey.AsSpan(t * p.Rotary, p.Rotary).CopyTo(key[p.Plain..]);
            }
        }
        return keys;
    }

    private static void TurnAll(Parts p, float[] queries, float[] rotaryKey, bool inverse)
    {
        int half = p.Rotary / 2;
        for (int row = 0; row < p.Heads * p.Length; row++)
            Turn(queries.AsSpan(row * p.HeadWidth + p.Plain, p.Rotary), row % p.Length);
        for (int t = 0; t < p.Length; t++)
            Turn(rotaryKey.AsSpan(t * p.Rotary, p.Rotary), t);
        void Turn(Span<float> part, int t) => Rope.Turn(part, p.Cosines.AsSpan(t * half, half), p.Sines.AsSpan(t * half, half),
            interleaved: true, inverse);
    }

    private static double[] Wide(float[] numbers) => Array.ConvertAll(numbers, value => (double)value);
}
