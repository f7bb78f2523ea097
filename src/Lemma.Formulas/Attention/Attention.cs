using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>O = softmax(Q·Kᵀ·s + mask)·V, in tiles with a running maximum and sum; memory is linear in the length.</summary>
/// <remarks>
/// Q, O: [queries, d_h] a head; K, V: [keys, d_h]. Keys are taken in blocks of 192 at fixed positions, so that a row of Q has the same bits
/// alone (decoding with a cache) and among others. A query that sees no key gives 0.
/// A value of NaN or infinity that a query does not see counts 0·NaN within its panel's blocks, as in PyTorch's masked softmax.
/// Dao et al. 2022, "FlashAttention", algorithm 1; Milakov and Gimelshein 2018 for the running softmax; Ainslie et al. 2023 for grouped queries.
/// <code>
///   for 12 queries (6):  | 192 keys | 192 keys | …   S = Q·Kᵀ (12 × 192), P = e^(S − m), l = Σ P, O = O·e^(m_old − m) + P·V
/// </code>
/// </remarks>
public static unsafe class Attention
{
    /// <summary>Keys a block: a multiple of the rows and columns of every tile.</summary>
    internal const int Block = 192;

    // Keys and queries whose panels and sums lie in memory at once: a thread's scratch does not grow with the length.
    internal const int KeyChunk = 16 * Block, QueryChunk = 85 * Tile.MostRows;

    /// <summary>O and ln Σ e^score for the query heads of one key/value head.</summary>
    public static void Forward(in AttentionShape shape, in AttentionHead head) => Forward(shape, head, default(PlainScores));

    /// <summary>The same with a function of the scores.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Forward<TScores>(in AttentionShape shape, in AttentionHead head, TScores function) where TScores : struct, IScoreFunction
    {
        int d = shape.HeadWidth, width = shape.ValueWidth, end = Math.Clamp(head.Length, 0, shape.Keys), sumStride = Rounded(width);
        int mostKeys = Math.Min(KeyChunk, shape.Keys), mostQueries = Math.Min(QueryChunk, shape.Queries);
        ScratchPlan plan = default;
        long keyPart = plan.Add(PackedProduct.Size(mostKeys, d, Tile.Columns)), valuePart = plan.Add(PackedProduct.Size(width, mostKeys, Tile.Columns));
        long queryPart = plan.Add(Tile.Rows * d), scorePart = plan.Add(Tile.Rows * Block), weightPart = plan.Add(Tile.Rows * Block);
        long sumPart = plan.Add(Tile.Rows * sumStride), maximaPart = plan.Add((long)shape.Group * mostQueries);
        long totalPart = plan.Add((long)shape.Group * mostQueries);
        plan.Take();
        float* keyPanels = plan.At(keyPart), valuePanels = plan.At(valuePart);
        AttentionPanel panel = new(shape, plan.At(queryPart), plan.At(scorePart), plan.At(weightPart), plan.At(sumPart));
        Matrix keyRows = new(head.Key, head.KeyStride, 1), valueRows = new(head.Value, head.ValueStride, 1);
        (int From, int Count) packed = (0, 0);
        int visible = shape.End(shape.Queries - 1, end);

        for (int firstQuery = 0; firstQuery < shape.Queries; firstQuery += QueryChunk)
        {
            int someQueries = Math.Min(QueryChunk, shape.Queries - firstQuery), seen = shape.End(firstQuery + someQueries - 1, end);
            int begin = shape.First(firstQuery) / Block * Block;
            for (int chunk = begin; chunk == begin || chunk < seen; chunk += KeyChunk)
            {
                bool isFirst = chunk == begin, isLast = chunk + KeyChunk >= seen;
                (int From, int Count) needed = (chunk, Math.Clamp(visible - chunk, 0, KeyChunk));
                if (needed != packed)
                {
                    PackedProduct.Pack(keyRows.From(chunk, 0), needed.Count, d, keyPanels, Tile.Columns);
                    PackedProduct.Pack(valueRows.From(chunk, 0).Transposed, width, needed.Count, valuePanels, Tile.Columns);
                    packed = needed;
                }
                nint valueStride = (nint)packed.Count * Tile.Columns;
                for (int h = 0; h < shape.Group; h++)
                {
                    Matrix queries = new(head.Query + h * d * sizeof(float), head.QueryStride, 1);
                    float* output = (float*)head.Output + h * width, logs = (float*)head.LogSumExp + (nint)h * shape.Queries;
                    for (int row = firstQuery; row < firstQuery + someQueries; row += Tile.Rows)
                    {
                        int rows = Math.Min(Tile.Rows, shape.Queries - row);
                        float* maxima = plan.At(maximaPart) + h * mostQueries + row - firstQuery;
                        float* totals = plan.At(totalPart) + h * mostQueries + row - firstQuery;
                        Begin(panel, isFirst, rows, maxima, totals, output + row * head.OutputStride, head.OutputStride);
                        PackedProduct.Pack(queries.From(row, 0), rows, d, panel.Queries, Tile.Rows);
                        PanelRows lines = new(rows, row, h, h, h + 1);
                        int last = Math.Min(shape.End(row + rows - 1, end), chunk + KeyChunk);
                        for (int block = Math.Max(shape.First(row) / Block * Block, chunk); block < last; block += Block)
                        {
                            int keys = Math.Min(Block, last - block);
                            if (function.Hides(row, rows, block, keys))
                                continue;
                            panel.Take(shape, ref function, lines, block, keys, end, new LyingPanels(keyPanels + (nint)(block - chunk) * d,
                                valuePanels + (nint)(block - chunk) * Tile.Columns, valueStride), maxima, totals);
                        }
                        for (int i = 0; i < rows; i++)
                        {
                            Span<float> result = new(output + (row + i) * head.OutputStride, width);
                            if (isLast)
                                panel.Finish(shape, ref function, h, i, maxima + i, totals + i, result, logs + row + i);
                            else
                                panel.SumsOf(i).CopyTo(result);
                        }
                    }
                }
            }
        }
    }

    // The state of a panel of queries: nothing seen yet, or what the keys before this chunk left, its sums in the output.
    private static void Begin(in AttentionPanel panel, bool isFirst, int rows, float* maxima, float* totals, float* output, nint outputStride)
    {
        if (isFirst)
        {
            panel.Clear(rows, maxima, totals);
            return;
        }
        for (int i = 0; i < rows; i++)
        {
            Span<float> sums = panel.SumsOf(i);
            new ReadOnlySpan<float>(output + i * outputStride, sums.Length).CopyTo(sums);
        }
    }

    /// <summary>A size rounded up to whole panels of 32.</summary>
    internal static int Rounded(int size) => (size + Tile.Columns - 1) / Tile.Columns * Tile.Columns;

    /// <summary>Scores become e^(s·score − m), 0 where the key is hidden; the running maximum, total and sums follow.</summary>
    internal static void Weigh(in AttentionShape shape, float scale, int query, int block, int keys, int length, float* scores,
        float* maximum, float* total, Span<float> sums)
    {
        int first = Math.Clamp(shape.First(query) - block, 0, keys), last = Math.Clamp(shape.End(query, length) - block, 0, keys);
        Span<float> all = new(scores, keys);
        all[..first].Fill(float.NegativeInfinity);
        all[Math.Max(first, last)..].Fill(float.NegativeInfinity);
        // Lanes beyond the block hold −∞ as well, so that whole vectors can be read.
        new Span<float>(scores + keys, Block - keys).Fill(float.NegativeInfinity);
        float largest = MathF.Max(*maximum, LargestOf(scores, keys));
        float shift = float.IsNegativeInfinity(largest) ? 0 : largest;
        float decay = float.IsNegativeInfinity(*maximum) ? 0 : VectorMath.Exp(Vector512.Create((*maximum - shift) * scale))[0];
        *total = *total * decay + ExpAndSum(scores, keys, scale, shift);
        if (decay != 1)
            Scale(sums, decay);
        *maximum = largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float LargestOf(float* scores, int keys)
    {
        Vector512<float> largest = Vector512.Create(float.NegativeInfinity);
        for (int i = 0; i < keys; i += Lanes.Count)
            largest = Vector512.MaxNative(largest, Vector512.Load(scores + i));
        return Lanes.Max(largest);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float ExpAndSum(float* scores, int keys, float scale, float shift)
    {
        Vector512<float> sum = default;
        for (int i = 0; i < keys; i += Lanes.Count)
        {
            Vector512<float> score = Vector512.Load(scores + i);
            // A hidden key has −∞ and weighs nothing.
            Vector512<float> weight = VectorMath.Exp((score - Vector512.Create(shift)) * Vector512.Create(scale));
            weight.Store(scores + i);
            sum += weight;
        }
        return Lanes.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale(Span<float> x, float factor) => System.Numerics.Tensors.TensorPrimitives.Multiply(x, factor, x);

    // A further score without a value.
    internal static void TakeSink(float sink, float* maximum, float* total, Span<float> sums)
    {
        if (float.IsNegativeInfinity(sink))
            return;
        float largest = MathF.Max(*maximum, sink);
        float decay = float.IsNegativeInfinity(*maximum) ? 0 : VectorMath.Exp(Vector512.Create(*maximum - largest))[0];
        *total = *total * decay + VectorMath.Exp(Vector512.Create(sink - largest))[0];
        Scale(sums, decay);
        *maximum = largest;
    }

    internal static void Finish(float maximum, float total, Span<float> sums, Span<float> output, float* log)
    {
        if (total == 0)
        {
            output.Clear();
            *log = float.NegativeInfinity;
            return;
        }
        System.Numerics.Tensors.TensorPrimitives.Multiply(sums, 1 / total, output);
        *log = maximum + (float)Math.Log(total);
    }
}
