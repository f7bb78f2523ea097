namespace Lemma.Formulas;

/// <summary>
/// A query sees the keys of its own and neighbouring blocks, of every s-th block, of the first blocks, and of some random ones.
/// </summary>
/// <remarks>
/// The pattern is over blocks of positions and a function of the seed: local window, stride, global blocks (which also see everything) and
/// random blocks a row. Child et al. 2019, section 4; Zaheer et al. 2020, Big bird, section 2.
/// </remarks>
public static class BlockSparseAttention
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "block_sparse_attention",
        Group = "Attention",
        Text = "Y = softmax(Q·Kᵀ/√d + M)·V, M = 0 where the pattern of blocks allows, else −∞",
        Latex = """
            Y = \mathrm{softmax}\left(\frac{Q K^\top}{\sqrt{d}} + M\right) V
            M_{ij} = \begin{cases} 0 & \text{where the pattern of blocks allows} \cr -\infty & \text{else} \end{cases}
            """,
        Shapes = "q, Y: [b, H, T, d]; k, v: [b, H_kv, S, d]",
        Symbols = "block: positions a block; local, stride, global, random (with seed): which blocks are seen; causal",
        Source = "Child et al. 2019, Sparse transformers, section 4; Zaheer et al. 2020, Big bird, section 2",
        Gradient = "as attention; hidden keys get 0",
        Notes = "The pattern is a function of the seed alone.",
        Example = "q[1,2,9,4] k[1,2,9,4] v[1,2,9,4] block=2 local=0 stride=3 global=1 random=1",
        Evaluate = Evaluate,
    };

    /// <summary>The pattern.</summary>
    /// <param name="Block">Positions a block.</param>
    /// <param name="Local">Blocks to each side.</param>
    /// <param name="Stride">Every so many blocks; 0 for none.</param>
    /// <param name="Global">Blocks from the start that see and are seen by all.</param>
    /// <param name="Random">Random blocks a row of blocks.</param>
    /// <param name="Seed">Of the random ones.</param>
    /// <param name="Causal">No later position.</param>
    public readonly record struct Pattern(int Block, int Local, int Stride, int Global, int Random, ulong Seed, bool Causal)
    {
        /// <summary>Whether block i of so many sees block j; a causal row draws among the blocks up to itself, so that it does not depend on the length.</summary>
        public bool Sees(int i, int j, int blocks)
        {
            if (Math.Abs(i - j) <= Local || i < Global || j < Global || (Stride > 0 && j % Stride == Stride - 1))
                return true;
            Philox generator = new(Seed, (ulong)i);
            for (int n = 0; n < Random; n++)
            {
                if (generator.Below(Causal ? i + 1 : blocks, (ulong)n) == j)
                    return true;
            }
            return false;
        }
    }

    /// <summary>mask[i, j]: whether block i sees block j; [blocks, blocks].</summary>
    public static bool[] Mask(in Pattern pattern, int blocks)
    {
        bool[] mask = new bool[blocks * blocks];
        for (int i = 0; i < blocks; i++)
        {
            for (int j = 0; j < blocks; j++)
                mask[i * blocks + j] = pattern.Sees(i, j, blocks);
        }
        return mask;
    }

    private readonly record struct Score(Pattern Pattern, bool[] Mask, int Blocks, int Offset) : IScore
    {
        public double Cap => 0;

        public double Sink(int head) => double.NegativeInfinity;

        public void AccumulateSink(int head, double gradient) { }

        public int Form(int i, int j) => 0;

        public void Accumulate(int sequence, int head, int i, int j, float gradient) { }

        public float Add(int sequence, int head, int i, int j)
        {
            bool seen = Mask[(i + Offset) / Pattern.Block * Blocks + j / Pattern.Block] && (!Pattern.Causal || j <= i + Offset);
            return seen ? 0 : float.NegativeInfinity;
        }
    }

    /// <summary>Y and ln Σ e^score, [b, H, T]; blocks that nothing sees are not multiplied.</summary>
    public static void Forward(in HeadSizes sizes, in Pattern pattern, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v,
        Span<float> y, Span<float> logs) =>
        HeadAttention.Forward(sizes, new HeadAttention.Mask(pattern.Causal), ScoresOf(sizes, pattern), q, k, v, y, logs);

    /// <summary>dQ, dK and dV are added to.</summary>
    public static void Backward(in HeadSizes sizes, in Pattern pattern, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v,
        ReadOnlySpan<float> y, ReadOnlySpan<float> logs, ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk, Span<float> dv) =>
        HeadAttention.Backward(sizes, new HeadAttention.Mask(pattern.Causal), ScoresOf(sizes, pattern), q, k, v, y, logs, dy, dq, dk, dv);

    private static BlockScores ScoresOf(in HeadSizes sizes, in Pattern pattern) =>
        new(pattern, Blocks(sizes, pattern), new ScoreTerms(0, sizes.Keys - sizes.Queries, 0, 0, 0, 0, 0));

    private static int Blocks(in HeadSizes sizes, in Pattern pattern)
    {
        Check.That(pattern.Block > 0, "block_sparse_attention", $"a block must have at least one position, but it has {pattern.Block}");
        int blocks = (int)(((long)sizes.Keys + pattern.Block - 1) / pattern.Block);
        Check.That(pattern.Random >= 0 && pattern.Random <= blocks, "block_sparse_attention",
            $"random blocks must lie in [0, {blocks}], but they are {pattern.Random}");
        return blocks;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values q = call["q"], k = call["k"], v = call["v"];
        HeadSizes sizes = HeadSizes.Of("block_sparse_attention", q, k, v);
        Pattern pattern = new(call.Whole("block", 64), call.Whole("local", 1), call.Whole("stride", 0), call.Whole("global", 1),
            call.Whole("random", 1), (ulong)call.Whole("seed", 1), call.Flag("causal", true));
        int blocks = Blocks(sizes, pattern);
        if (ScoredEvaluation.NeedsDouble(sizes, q, k, v))
            return ScoredEvaluation.RunInDouble(call, sizes, new Score(pattern, Mask(pattern, blocks), blocks, sizes.Keys - sizes.Queries));
        Values y = new(sizes.Batch, sizes.Heads, sizes.Queries, sizes.ValueWidth);
        float[] logs = new float[sizes.Rows];
        Forward(sizes, pattern, q, k, v, y, logs);
        if (call.Backward(y, out float[]? dy))
            Backward(sizes, pattern, q, k, v, y, logs, dy, call.Gradient("q"), call.Gradient("k"), call.Gradient("v"));
        return y;
    }
}
