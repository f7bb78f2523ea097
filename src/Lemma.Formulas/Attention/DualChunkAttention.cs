namespace Lemma.Formulas;

/// <summary>Rotary attention whose distances stay within the trained length: chunks of s positions, three forms of each query.</summary>
/// <remarks>
/// Keys stand at j mod s. A query meets its own chunk at i mod s, the chunk before at min(i mod s + s, c − 1), and earlier chunks at c − 1,
/// with c the trained length; so near distances are exact and far ones the largest that were trained. q, k, v: [b, H, T, d], causal.
/// An et al. 2024, Training-free long-context scaling, section 3.
/// </remarks>
public static class DualChunkAttention
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "dual_chunk_attention",
        Group = "Attention",
        Text = "s_ij = R(p_i)·q_i·(R(j mod c)·k_j)/√d, p_i = i mod c, min(i mod c + c, L − 1) or L − 1 for j in the same, the previous "
            + "or an earlier chunk",
        Shapes = "q, k, v, Y: [b, H, T, d]",
        Symbols = "chunk (c), trained_length (L); causal",
        Source = "An et al. 2024, Training-free long-context scaling of large language models, section 3",
        Gradient = "as attention, turned back",
        Notes = "Runs past the trained length without tuning: no distance is beyond it. Not the dynamic context of other notes "
            + "(correction 4).",
        Example = "q[1,2,11,4] k[1,2,11,4] v[1,2,11,4] chunk=3 trained_length=5",
        Evaluate = Evaluate,
    };

    /// <summary>The position at which query i meets a key of a chunk so many chunks back.</summary>
    public static int Position(int query, int back, int chunk, int trained) => back switch
    {
        0 => query % chunk,
        1 => Math.Min(query % chunk + chunk, trained - 1),
        _ => trained - 1,
    };

    private readonly record struct Score(int Chunk) : IScore
    {
        public float Add(int sequence, int head, int i, int j) => j <= i ? 0 : float.NegativeInfinity;

        public int Form(int i, int j) => Math.Clamp(i / Chunk - j / Chunk, 0, 2);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values q = call["q"], k = call["k"], v = call["v"];
        HeadSizes sizes = HeadSizes.Of("dual_chunk_attention", q, k, v);
        int chunk = call.Whole("chunk"), trained = call.Whole("trained_length"), queries = sizes.Queries, width = sizes.Width;
        Check.That(queries == sizes.Keys, "dual_chunk_attention", $"q {q} and k {k} must have the same length");
        Check.That(chunk > 0 && chunk < trained, "dual_chunk_attention", $"the chunk {chunk} must lie in [1, {trained - 1}]");
        // Positions within two chunks, and the last of the trained ones: no other meets a key.
        int near = (int)Math.Min(2L * chunk, trained - 1);
        double theta = call.Number("theta", 10000);
        (float[] cosines, float[] sines) = RopeFormula.Angles(0, near, width, theta, RopeScaling.None);
        (float[] farCosines, float[] farSines) = RopeFormula.Angles(trained - 1, 1, width, theta, RopeScaling.None);
        (cosines, sines) = ([.. cosines, .. farCosines], [.. sines, .. farSines]);
        double scale = 1 / Math.Sqrt(width);
        float[] forms = new float[3 * q.Count], keys = [.. k.Data];
        for (int form = 0; form < 3; form++)
        {
            q.Data.CopyTo(forms, form * q.Count);
            for (int row = 0; row < q.Rows; row++)
                Turn(forms.AsSpan(form * q.Count + row * width, width), Position(row % queries, form, chunk, trained), cosines, sines,
                    inverse: false);
        }
        for (int row = 0; row < k.Rows; row++)
            Turn(keys.AsSpan(row * width, width), row % queries % chunk, cosines, sines, inverse: false);
        double[] exactForms = Array.ConvertAll(forms, value => (double)value), exactKeys = Array.ConvertAll(keys, value => (double)value);
        Values y = new(sizes.Batch, sizes.Heads, queries, sizes.ValueWidth);
        ScoredAttention.Forward(sizes, scale, exactForms, exactKeys, v.Exact, new Score(chunk), y);
        if (!call.Backward(y, out float[]? dy))
            return y;
        float[] dforms = new float[forms.Length], dkeys = new float[keys.Length];
        ScoredAttention.Backward(sizes, scale, exactForms, exactKeys, v.Exact, new Score(chunk),
            Array.ConvertAll(dy, value => (double)value),
            dforms, dkeys, call.Gradient("v"));
        for (int form = 0; form < 3; form++)
        {
            for (int row = 0; row < q.Rows; row++)
            {
                Span<float> slope = dforms.AsSpan(form * q.Count + row * width, width);
                Turn(slope, Position(row % queries, form, chunk, trained), cosines, sines, inverse: true);
                Lanes.AddScaled(slope, 1, call.Gradient("q").Slice(row * width, width));
            }
        }
        for (int row = 0; row < k.Rows; row++)
            Turn(dkeys.AsSpan(row * width, width), row % queries % chunk, cosines, sines, inverse: true);
        Lanes.AddScaled(dkeys, 1, call.Gradient("k"));
        return y;
    }

    private static void Turn(Span<float> row, int position, float[] cosines, float[] sines, bool inverse)
    {
        int half = row.Length / 2;
        position = Math.Min(position, cosines.Length / half - 1);
        Rope.Turn(row, cosines.AsSpan(position * half, half), sines.AsSpan(position * half, half), interleaved: false, inverse);
    }
}
