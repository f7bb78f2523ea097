using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>Where the gradients of one key/value head lie; strides are those of the values unless given.</summary>
/// <param name="Output">dO, the first output of the group's first head.</param>
/// <param name="Query">dQ, added to.</param>
/// <param name="Key">dK, added to.</param>
/// <param name="Value">dV, added to.</param>
/// <param name="KeyStride">Elements from a dK to the next; 0 for that of the keys.</param>
/// <param name="ValueStride">Elements from a dV to the next; 0 for that of the values.</param>
public readonly record struct AttentionHeadGradient(nint Output, nint Query, nint Key, nint Value, nint KeyStride = 0, nint ValueStride = 0);

/// <summary>The backward of <see cref="Attention"/>, which computes the weights again, block by block.</summary>
/// <remarks>
/// With P = e^(s·QKᵀ − L), D = Σ dO∘O a row: dV += Pᵀ·dO;  dP = dO·Vᵀ;  dS = P∘(dP − D)·s;  dQ += dS·K;  dK += dSᵀ·Q.
/// Dao et al. 2022, "FlashAttention", algorithm 4.
/// </remarks>
public static unsafe class AttentionGradient
{
    // Queries and keys a block: three blocks of weights and slopes stay in the second-level cache.
    private const int Block = 96;

    /// <summary>dQ, dK and dV for the query heads of one key/value head.</summary>
    public static void Backward(in AttentionShape shape, in AttentionHead head, in AttentionHeadGradient gradient) =>
        Backward(shape, head, gradient, default(PlainScores));

    /// <summary>The same with a function of the scores, which takes its gradient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Backward<TScores>(in AttentionShape shape, in AttentionHead head, in AttentionHeadGradient gradient,
        TScores function)
        where TScores : struct, IScoreFunction
    {
        int d = shape.HeadWidth, width = shape.ValueWidth, end = Math.Clamp(head.Length, 0, shape.Keys);
        int most = Math.Min(Attention.KeyChunk, shape.Keys);
        ScratchPlan plan = default;
        // Keys and values as B with keys along the columns, and keys as B with keys along k.
        long keyColumnPart = plan.Add(PackedProduct.Size(most, d, Tile.Columns)), valueColumnPart = plan.Add(PackedProduct.Size(most, width, Tile.Columns));
        long keyStepPart = plan.Add(PackedProduct.Size(d, most, Tile.Columns));
        long queryColumnPart = plan.Add(Block * Attention.Rounded(d)), upColumnPart = plan.Add(Block * Attention.Rounded(width));
        long queryRowPart = plan.Add(Block * d), upRowPart = plan.Add(Block * width), weightPart = plan.Add(Block * Block);
        long slopePart = plan.Add(Block * Block), panelPart = plan.Add(Block * Block), alongPart = plan.Add(Block), linePart = plan.Add(Block);
        plan.Take();
        float* keyColumns = plan.At(keyColumnPart), valueColumns = plan.At(valueColumnPart), keySteps = plan.At(keyStepPart);
        float* queryColumns = plan.At(queryColumnPart), upColumns = plan.At(upColumnPart), queryRows = plan.At(queryRowPart);
        float* upRows = plan.At(upRowPart), weights = plan.At(weightPart), slopes = plan.At(slopePart), panels = plan.At(panelPart);
        float* along = plan.At(alongPart);
        Tile tile = Tile.Best;
        nint keyStride = (nint)d * Tile.Columns, valueStride = (nint)width * Tile.Columns;
        Matrix keyGradient = new(gradient.Key, gradient.KeyStride == 0 ? head.KeyStride : gradient.KeyStride, 1);
        Matrix valueGradient = new(gradient.Value, gradient.ValueStride == 0 ? head.ValueStride : gradient.ValueStride, 1);

        for (int chunk = shape.First(0) / Block * Block; chunk < end; chunk += Attention.KeyChunk)
        {
            int count = Math.Min(Attention.KeyChunk, end - chunk), chunkEnd = chunk + count;
            nint stepsStride = (nint)count * Tile.Columns;
            Matrix keys = new Matrix(head.Key, head.KeyStride, 1).From(chunk, 0);
            PackedProduct.Pack(keys, count, d, keyColumns, Tile.Columns);
            PackedProduct.Pack(new Matrix(head.Value, head.ValueStride, 1).From(chunk, 0), count, width, valueColumns, Tile.Columns);
            PackedProduct.Pack(keys.Transposed, d, count, keySteps, Tile.Columns);
            for (int h = 0; h < shape.Group; h++)
            {
                nint offset = h * d * sizeof(float), outputOffset = h * width * sizeof(float);
                Matrix queries = new(head.Query + offset, head.QueryStride, 1), ups = new(gradient.Output + outputOffset, head.OutputStride, 1);
                Matrix outputs = new(head.Output + outputOffset, head.OutputStride, 1),
                    queryGradient = new(gradient.Query + offset, head.QueryStride, 1);
                float* logs = (float*)head.LogSumExp + (nint)h * shape.Queries;
                for (int row = 0; row < shape.Queries; row += Block)
                {
                    int rows = Math.Min(Block, shape.Queries - row), last = Math.Min(shape.End(row + rows - 1, end), chunkEnd);
                    int start = Math.Max(shape.First(row) / Block * Block, chunk);
                    if (start >= last)
                        continue;
                    PackedProduct.Pack(queries.From(row, 0).Transposed, d, rows, queryColumns, Tile.Columns);
                    PackedProduct.Pack(ups.From(row, 0).Transposed, width, rows, upColumns, Tile.Columns);
                    PackedProduct.Pack(queries.From(row, 0), rows, d, queryRows, Tile.Rows);
                    PackedProduct.Pack(ups.From(row, 0), rows, width, upRows, Tile.Rows);
                    for (int i = 0; i < rows; i++)
                        along[i] = Lanes.Dot(new ReadOnlySpan<float>(ups.At(row + i, 0), width),
                            new ReadOnlySpan<float>(outputs.At(row + i, 0), width));
                    for (int block = start; block < last; block += Block)
                    {
                        int columns = Math.Min(Block, last - block);
                        if (function.Hides(row, rows, block, columns))
                            continue;
                        nint at = block - chunk;
                        // A panel of queries sees nothing beyond its own last key: those columns keep the zeros of Weigh.
                        for (int i = 0; i < rows; i += Tile.Rows)
                        {
                            int some = Math.Min(Tile.Rows, rows - i), seen = Math.Clamp(shape.End(row + i + some - 1, end) - block, 0, columns);
                            PackedProduct.Multiply(tile, some, seen, d, queryRows + i * d, keyColumns + at * d, keyStride, weights + i * Block,
                                Block, Into.Replace);
                            PackedProduct.Multiply(tile, some, seen, width, upRows + i * width, valueColumns + at * width, valueStride,
                                slopes + i * Block,
                                Block, Into.Replace);
                        }
                        for (int i = 0; i < rows; i++)
                        {
                            float* score = weights + i * Block, slope = slopes + i * Block;
                            if (TScores.IsEmpty)
                            {
                                Weigh(shape, shape.Scale, row + i, block, columns, end, score, slope, logs[row + i], along[i]);
                                continue;
                            }
                            Span<float> scaled = new(score, columns), before = new(plan.At(linePart), columns), line = new(slope, columns);
                            System.Numerics.Tensors.TensorPrimitives.Multiply(scaled, shape.Scale, scaled);
                            scaled.CopyTo(before);
                            function.Apply(h, row + i, block, scaled);
                            Weigh(shape, 1, row + i, block, columns, end, score, slope, logs[row + i], along[i]);
                            function.Differentiate(h, row + i, block, before, line);
                            System.Numerics.Tensors.TensorPrimitives.Multiply(line, shape.Scale, line);
                        }
                        AddProduct(tile, new Matrix((nint)weights, 1, Block), columns, width, rows, panels, upColumns,
                            (nint)rows * Tile.Columns, valueGradient.From(block, 0));
                        AddProduct(tile, new Matrix((nint)slopes, 1, Block), columns, d, rows, panels, queryColumns, (nint)rows * Tile.Columns,
                            keyGradient.From(block, 0));
                        AddProduct(tile, new Matrix((nint)slopes, Block, 1), rows, d, columns, panels, keySteps + at * Tile.Columns,
                            stepsStride,
                            queryGradient.From(row, 0));
                    }
                }
            }
        }
        for (int h = 0; h < shape.Group && !TScores.IsEmpty; h++)
        {
            if (!float.IsNegativeInfinity(function.Sink(h)))
                function.AddSinkGradient(h, SinkGradient(shape, head, gradient, h, function.Sink(h)));
        }
    }

    // A sink has no value: its slope is −P·D, in the order of the queries.
    private static float SinkGradient(in AttentionShape shape, in AttentionHead head, in AttentionHeadGradient gradient, int h, float sink)
    {
        int width = shape.ValueWidth;
        nint offset = h * width * sizeof(float);
        Matrix ups = new(gradient.Output + offset, head.OutputStride, 1), outputs = new(head.Output + offset, head.OutputStride, 1);
        float* logs = (float*)head.LogSumExp + (nint)h * shape.Queries;
        double sum = 0;
        for (int row = 0; row < shape.Queries; row++)
        {
            double along = Lanes.Dot(new ReadOnlySpan<float>(ups.At(row, 0), width), new ReadOnlySpan<float>(outputs.At(row, 0), width));
            sum -= Math.Exp((double)sink - logs[row]) * along;
        }
        return (float)sum;
    }

    // C += A·B, A in rows of a block.
    private static void AddProduct(Tile tile, Matrix a, int m, int n, int k, float* panels, float* b, nint panelStride, Matrix c)
    {
        PackedProduct.Pack(a, m, k, panels, Tile.Rows);
        for (int row = 0; row < m; row += Tile.Rows)
            PackedProduct.Multiply(tile, Math.Min(Tile.Rows, m - row), n, k, panels + (nint)row * k, b, panelStride, c.At(row, 0),
                c.RowStride, Into.Add);
    }

    // Scores become P and products dP become dS; both are 0 where the key is hidden.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Weigh(in AttentionShape shape, float factor, int query, int block, int columns, int length, float* weights,
        float* slopes, float log, float along)
    {
        int first = Math.Clamp(shape.First(query) - block, 0, columns), last = Math.Clamp(shape.End(query, length) - block, 0, columns);
        last = Math.Max(first, last);
        if (float.IsNegativeInfinity(log))
            last = first;
        Vector512<float> scale = Vector512.Create(factor), shift = Vector512.Create(-log), mean = Vector512.Create(along);
        for (int i = first / Lanes.Count * Lanes.Count; i < last; i += Lanes.Count)
        {
            Vector512<float> weight = VectorMath.Exp(Vector512.FusedMultiplyAdd(Vector512.Load(weights + i), scale, shift));
            weight.Store(weights + i);
            (weight * (Vector512.Load(slopes + i) - mean) * scale).Store(slopes + i);
        }
        new Span<float>(weights, first).Clear();
        new Span<float>(slopes, first).Clear();
        new Span<float>(weights + last, columns - last).Clear();
        new Span<float>(slopes + last, columns - last).Clear();
    }
}
