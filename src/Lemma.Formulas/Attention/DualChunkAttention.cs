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
        Latex = """
            s_{ij} = \frac{\left(R(p_{ij}) q_i\right)\cdot\left(R(j\bmod c) k_j\right)}{\sqrt{d}}
            p_{ij} = \begin{cases} i\bmod c & b = 0 \cr \min(i\bmod c + c, L - 1) & b = 1 \cr L - 1 & b\gt 1 \end{cases}
            b = \text{how many chunks } j \text{ stands before } i
            """,
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
        public double Cap => 0;

        public double Sink(int head) => double.NegativeInfinity;

        public void AccumulateSink(int head, double gradient) { }

        public float Add(int sequence, int head, int i, int j) => j <= i ? 0 : float.NegativeInfinity;

        public void Accumulate(int sequence, int head, int i, int j, float gradient) { }

        public int Form(int i, int j) => Math.Clamp(i / Chunk - j / Chunk, 0, 2);
    }

    /// <summary>Y and ln Σ e^score, [b, H, T].</summary>
    /// <remarks>
    /// A chunk of queries meets its own chunk, the one before and all earlier ones with one form of itself each, by the kernel in tiles;
    /// the three results are joined with weights e^(l − L), L = ln Σ e^l.
    /// </remarks>
    public static void Forward(in HeadSizes sizes, int chunk, int trained, double theta, ReadOnlySpan<float> q, ReadOnlySpan<float> k,
        ReadOnlySpan<float> v, Span<float> y, Span<float> logs)
    {
        CheckSizes(sizes, chunk, trained);
        (float[] forms, float[] keys) = Turned(sizes, chunk, trained, theta, q, k);
        float[] some = new float[chunk * sizes.ValueWidth], someLogs = new float[chunk];
        for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
        {
            HeadAttention.One one = new(sizes, index);
            for (int row = 0; row < sizes.Queries; row += chunk)
            {
                int rows = Math.Min(chunk, sizes.Queries - row);
                Span<float> outputs = one.Outputs(y).Slice(row * sizes.ValueWidth, rows * sizes.ValueWidth),
                    total = one.Logs(logs).Slice(row, rows);
                for (int form = 0; form < 3; form++)
                {
                    (int first, int count) = Segment(row, rows, chunk, form);
                    if (form > 0 && count == 0)
                        break;
                    Span<float> to = form == 0 ? outputs : some.AsSpan(0, outputs.Length), toLogs = form == 0 ? total : someLogs.AsSpan(0,
                        rows);
                    HeadAttention.Forward(one.Sizes with { Queries = rows, Keys = count }, new HeadAttention.Mask(form == 0),
                        Form(one.Queries(forms.AsSpan(form * q.Length, q.Length)), row, rows, sizes.Width),
                        Form(one.Keys(keys), first, count, sizes.Width),
                        Form(one.Values(v), first, count, sizes.ValueWidth), to, toLogs);
                    if (form > 0)
                        Join(outputs, total, to, toLogs);
                }
            }
        }
    }

    /// <summary>dQ, dK and dV are added to.</summary>
    public static void Backward(in HeadSizes sizes, int chunk, int trained, double theta, ReadOnlySpan<float> q, ReadOnlySpan<float> k,
        ReadOnlySpan<float> v, ReadOnlySpan<float> y, ReadOnlySpan<float> logs, ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk,
        Span<float> dv)
    {
        CheckSizes(sizes, chunk, trained);
        (float[] forms, float[] keys) = Turned(sizes, chunk, trained, theta, q, k);
        float[] dforms = new float[forms.Length], dkeys = new float[keys.Length];
        for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
        {
            HeadAttention.One one = new(sizes, index);
            for (int row = 0; row < sizes.Queries; row += chunk)
            {
                int rows = Math.Min(chunk, sizes.Queries - row);
                for (int form = 0; form < 3; form++)
                {
                    (int first, int count) = Segment(row, rows, chunk, form);
                    if (count == 0)
                        break;
                    // With the logs and outputs of the whole, a part has the gradient that it has in the whole.
                    HeadAttention.Backward(one.Sizes with { Queries = rows, Keys = count }, new HeadAttention.Mask(form == 0),
                        Form(one.Queries(forms.AsSpan(form * q.Length, q.Length)), row, rows, sizes.Width),
                        Form(one.Keys(keys), first, count, sizes.Width),
                        Form(one.Values(v), first, count, sizes.ValueWidth), Form(one.Outputs(y), row, rows, sizes.ValueWidth),
                        Form(one.Logs(logs), row, rows, 1), Form(one.Outputs(dy), row, rows, sizes.ValueWidth),
                        Form(one.Queries(dforms.AsSpan(form * q.Length, q.Length)), row, rows, sizes.Width),
                        Form(one.Keys(dkeys.AsSpan()), first, count, sizes.Width), Form(one.Values(dv), first, count, sizes.ValueWidth));
                }
            }
        }
        TurnBack(sizes, chunk, trained, theta, dforms, dkeys, dq, dk);
    }

    /// <summary>The keys that a chunk of queries from a row on meets in a form: its own chunk, the one before, all earlier ones.</summary>
    internal static (int First, int Count) Segment(int row, int rows, int chunk, int form) => form switch
    {
        0 => (row, rows),
        1 => (Math.Max(0, row - chunk), Math.Min(row, chunk)),
        _ => (0, Math.Max(0, row - chunk)),
    };

    private static ReadOnlySpan<float> Form(ReadOnlySpan<float> lines, int first, int count, int width) =>
        lines.Slice(first * width, count * width);

    private static Span<float> Form(Span<float> lines, int first, int count, int width) => lines.Slice(first * width, count * width);

    // y and l take in another part of their softmax.
    private static void Join(Span<float> y, Span<float> logs, ReadOnlySpan<float> other, ReadOnlySpan<float> otherLogs)
    {
        int width = y.Length / logs.Length;
        for (int row = 0; row < logs.Length; row++)
            Join(y.Slice(row * width, width), ref logs[row], other.Slice(row * width, width), otherLogs[row]);
    }

    /// <summary>One row of outputs and its ln Σ e^score take in another part of their softmax.</summary>
    internal static void Join(Span<float> y, ref float log, ReadOnlySpan<float> other, float otherLog)
    {
        double largest = Math.Max(log, otherLog);
        double total = largest + Math.Log(Math.Exp(log - largest) + Math.Exp(otherLog - largest));
        System.Numerics.Tensors.TensorPrimitives.Multiply(y, (float)Math.Exp(log - total), y);
        Lanes.AddScaled(other, (float)Math.Exp(otherLog - total), y);
        log = (float)total;
    }

    // The three forms of the queries, and the keys, turned by their positions.
    private static (float[] Forms, float[] Keys) Turned(in HeadSizes sizes, int chunk, int trained, double theta, ReadOnlySpan<float> q,
        ReadOnlySpan<float> k)
    {
        (float[] cosines, float[] sines) = Angles(sizes.Width, chunk, trained, theta);
        float[] forms = new float[3 * q.Length], keys = k.ToArray();
        for (int form = 0; form < 3; form++)
        {
            q.CopyTo(forms.AsSpan(form * q.Length));
            for (int row = 0; row < sizes.Rows; row++)
                Turn(forms.AsSpan(form * q.Length + row * sizes.Width, sizes.Width), Position(row % sizes.Queries, form, chunk, trained),
                    cosines, sines, false);
        }
        for (int row = 0; row < keys.Length / sizes.Width; row++)
            Turn(keys.AsSpan(row * sizes.Width, sizes.Width), row % sizes.Keys % chunk, cosines, sines, false);
        return (forms, keys);
    }

    // The gradients of forms and turned keys, turned back and added.
    private static void TurnBack(in HeadSizes sizes, int chunk, int trained, double theta, float[] dforms, float[] dkeys, Span<float> dq,
        Span<float> dk)
    {
        (float[] cosines, float[] sines) = Angles(sizes.Width, chunk, trained, theta);
        for (int form = 0; form < 3; form++)
        {
            for (int row = 0; row < sizes.Rows; row++)
            {
                Span<float> slope = dforms.AsSpan(form * dq.Length + row * sizes.Width, sizes.Width);
                Turn(slope, Position(row % sizes.Queries, form, chunk, trained), cosines, sines, true);
                Lanes.AddScaled(slope, 1, dq.Slice(row * sizes.Width, sizes.Width));
            }
        }
        for (int row = 0; row < dkeys.Length / sizes.Width; row++)
            Turn(dkeys.AsSpan(row * sizes.Width, sizes.Width), row % sizes.Keys % chunk, cosines, sines, true);
        Lanes.AddScaled(dkeys, 1, dk);
    }

    private static void CheckSizes(in HeadSizes sizes, int chunk, int trained)
    {
        Check.SameLength("dual_chunk_attention", sizes.Queries, sizes.Keys);
        Check.That(chunk > 0 && chunk < trained, "dual_chunk_attention", $"the chunk {chunk} must lie in [1, {trained - 1}]");
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values q = call["q"], k = call["k"], v = call["v"];
        HeadSizes sizes = HeadSizes.Of("dual_chunk_attention", q, k, v);
        int chunk = call.Whole("chunk"), trained = call.Whole("trained_length");
        double theta = call.Number("theta", 10000);
        CheckSizes(sizes, chunk, trained);
        Values y = new(sizes.Batch, sizes.Heads, sizes.Queries, sizes.ValueWidth);
        if (ScoredEvaluation.NeedsDouble(sizes, q, k, v))
            return EvaluateInDouble(call, sizes, chunk, trained, theta, y);
        float[] logs = new float[sizes.Rows];
        Forward(sizes, chunk, trained, theta, q, k, v, y, logs);
        if (call.Backward(y, out float[]? dy))
            Backward(sizes, chunk, trained, theta, q, k, v, y, logs, dy, call.Gradient("q"), call.Gradient("k"), call.Gradient("v"));
        return y;
    }

    private static Values EvaluateInDouble(FormulaCall call, in HeadSizes sizes, int chunk, int trained, double theta, Values y)
    {
        (float[] forms, float[] keys) = Turned(sizes, chunk, trained, theta, call["q"], call["k"]);
        double[] exactForms = Array.ConvertAll(forms, value => (double)value), exactKeys = Array.ConvertAll(keys, value => (double)value);
        double scale = 1 / Math.Sqrt(sizes.Width);
        ScoredAttention.Forward(sizes, scale, exactForms, exactKeys, call["v"].Exact, new Score(chunk), y);
        if (call.Backward(y, out float[]? dy))
        {
            float[] dforms = new float[forms.Length], dkeys = new float[keys.Length];
            ScoredAttention.Backward(sizes, scale, exactForms, exactKeys, call["v"].Exact, new Score(chunk),
                Array.ConvertAll(dy, value => (double)value), dforms, dkeys, call.Gradient("v"));
            TurnBack(sizes, chunk, trained, theta, dforms, dkeys, call.Gradient("q"), call.Gradient("k"));
        }
        return y;
    }

    // Positions within two chunks, and the last of the trained ones: no other meets a key.
    private static (float[] Cosines, float[] Sines) Angles(int width, int chunk, int trained, double theta)
    {
        (float[] cosines, float[] sines) = RopeFormula.Angles(0, (int)Math.Min(2L * chunk, trained - 1), width, theta, RopeScaling.None);
        (float[] farCosines, float[] farSines) = RopeFormula.Angles(trained - 1, 1, width, theta, RopeScaling.None);
        return ([.. cosines, .. farCosines], [.. sines, .. farSines]);
    }

    private static void Turn(Span<float> row, int position, float[] cosines, float[] sines, bool inverse)
    {
        int half = row.Length / 2;
        position = Math.Min(position, cosines.Length / half - 1);
        Rope.Turn(row, cosines.AsSpan(position * half, half), sines.AsSpan(position * half, half), interleaved: false, inverse);
    }
}
