using Lemma.Formulas;

namespace Lemma.Tensors;

/// <summary>How many pairs of a query and a key attention multiplies, and what that takes.</summary>
internal static class AttentionPairs
{
    /// <summary>2·(d_h + d_v) a pair: its score, and its weight times its value.</summary>
    public static double ForwardOperations(in AttentionHeads heads, ReadOnlySpan<int> queryLengths, ReadOnlySpan<int> keyLengths)
    {
        double pairs = 0;
        for (int i = 0; i < queryLengths.Length; i++)
            pairs += Of(heads, queryLengths[i], keyLengths[i]);
        return pairs * 2 * (heads.HeadWidth + heads.ValueWidth);
    }

    /// <summary>2·(3·d_h + 2·d_v) a pair: its score again, and the gradients of query, key, value and weight.</summary>
    /// <param name="heads">The heads.</param>
    /// <param name="queryOffsets">Where each sequence of queries begins, and where the last ends.</param>
    /// <param name="keyOffsets">The same of keys.</param>
    public static double BackwardOperations(in AttentionHeads heads, ReadOnlySpan<int> queryOffsets, ReadOnlySpan<int> keyOffsets)
    {
        double pairs = 0;
        for (int i = 0; i < queryOffsets.Length - 1; i++)
            pairs += Of(heads, queryOffsets[i + 1] - queryOffsets[i], keyOffsets[i + 1] - keyOffsets[i]);
        return pairs * 2 * (3.0 * heads.HeadWidth + 2 * heads.ValueWidth);
    }

    /// <summary>The pairs of all heads for one sequence, read as a whole.</summary>
    public static double Of(in AttentionHeads heads, int queries, int keys)
    {
        if (heads.Pattern is MultiScaleWindows windows)
        {
            double sum = 0;
            foreach (int window in windows.Windows)
                sum += Causal(queries, window);
            return sum;
        }
        if (heads.Pattern is BlockSparse sparse)
            return heads.Heads * InBlocks(sparse, heads.Causal, queries, keys);
        return heads.Heads * (heads.Causal ? Causal(queries, heads.Window) : BothWays(queries, keys, heads.Window));
    }

    // Query i of 1 … n sees min(i, window) keys.
    private static double Causal(int length, int window)
    {
        double seen = window == 0 ? length : Math.Min(length, window);
        return seen * (seen + 1) / 2 + (length - seen) * seen;
    }

    // The pairs of equal positions stand in both halves.
    private static double BothWays(int queries, int keys, int window) =>
        window == 0 || queries != keys ? (double)queries * keys : 2 * Causal(queries, window) - queries;

    private static double InBlocks(BlockSparse sparse, bool isCausal, int queries, int keys)
    {
        int rows = (queries + sparse.Block - 1) / sparse.Block, columns = (keys + sparse.Block - 1) / sparse.Block;
        BlockSparseAttention.Pattern pattern = new(sparse.Block, sparse.Local, sparse.Stride, sparse.Global, sparse.Random, sparse.Seed, isCausal);
        double pairs = 0;
        for (int i = 0; i < rows; i++)
        {
            double height = Math.Min(sparse.Block, queries - i * sparse.Block);
            for (int j = 0; j < (isCausal ? i + 1 : columns); j++)
            {
                double width = Math.Min(sparse.Block, keys - j * sparse.Block);
                if (pattern.Sees(i, j, columns))
                    pairs += isCausal && i == j ? height * (height + 1) / 2 : height * width;
            }
        }
        return pairs;
    }
}
