using System.Runtime.CompilerServices;

namespace Lemma.Formulas;

/// <summary>Which queries and heads the rows of a panel are: the heads of a query one after another, then the next query.</summary>
/// <param name="Rows">How many rows.</param>
/// <param name="Query">The query of the first row.</param>
/// <param name="Head">The head of the first row, in its group.</param>
/// <param name="FirstHead">The head that follows the last.</param>
/// <param name="EndHead">One past the last head; rows of one head are queries one after another.</param>
internal readonly record struct PanelRows(int Rows, int Query, int Head, int FirstHead, int EndHead);

/// <summary>A panel of queries before a block of keys: what attention over whole sequences and over pages have in common, so that their bits are the same.</summary>
/// <remarks>S = Q·Kᵀ; the running maximum, total and sums take e^(s·S − m) and its product with V.</remarks>
internal readonly unsafe struct AttentionPanel
{
    private const int Block = Attention.Block;
    private readonly Tile tile = Tile.Best;
    private readonly int d, width, sumStride;
    private readonly float* scores, weights;

    /// <summary>The steps of an attention, with scratch of a tile's rows: scores and weights of a block each, and sums.</summary>
    public AttentionPanel(in AttentionShape shape, float* queries, float* scores, float* weights, float* sums)
    {
        (d, width, sumStride) = (shape.HeadWidth, shape.ValueWidth, Attention.Rounded(shape.ValueWidth));
        Queries = queries;
        this.scores = scores;
        this.weights = weights;
        Sums = sums;
    }

    /// <summary>The packed queries of the panel.</summary>
    public float* Queries { get; }

    /// <summary>Σ e^(s·S − m)·v so far, a row after another.</summary>
    public float* Sums { get; }

    /// <summary>The sums of a row.</summary>
    public Span<float> SumsOf(int row) => new(Sums + row * sumStride, width);

    /// <summary>Begins a panel that has seen no key.</summary>
    public void Clear(int rows, float* maxima, float* totals)
    {
        new Span<float>(maxima, rows).Fill(float.NegativeInfinity);
        new Span<float>(totals, rows).Clear();
        new Span<float>(Sums, Tile.Rows * sumStride).Clear();
    }

    /// <summary>Takes a block of keys and values, which lie in panels.</summary>
    /// <param name="shape">The sizes and what a query may see.</param>
    /// <param name="function">What becomes of the scores.</param>
    /// <param name="lines">The rows of the panel.</param>
    /// <param name="block">The first key.</param>
    /// <param name="keys">How many keys.</param>
    /// <param name="length">Keys that exist.</param>
    /// <param name="panels">The panels of the keys and values.</param>
    /// <param name="maxima">The running maximum of each row.</param>
    /// <param name="totals">The running total of each row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Take<TScores, TPanels>(in AttentionShape shape, ref TScores function, in PanelRows lines, int block, int keys, int length, in TPanels panels,
        float* maxima, float* totals) where TScores : struct, IScoreFunction where TPanels : struct, IPanels
    {
        if (TPanels.LieTogether)
            PackedProduct.Multiply(tile, lines.Rows, keys, d, Queries, panels.Keys(0), (nint)d * Tile.Columns, scores, Block, Into.Replace);
        for (int first = 0; first < keys && !TPanels.LieTogether; first += Tile.Columns)
        {
            PackedProduct.Multiply(tile, lines.Rows, Math.Min(Tile.Columns, keys - first), d, Queries, panels.Keys(first / Tile.Columns), 0, scores + first, Block,
                Into.Replace);
        }
        for (int i = 0, query = lines.Query, head = lines.Head; i < lines.Rows; i++)
        {
            if (!TScores.IsEmpty)
            {
                Span<float> line = new(scores + i * Block, keys);
                System.Numerics.Tensors.TensorPrimitives.Multiply(line, shape.Scale, line);
                function.Apply(head, query, block, line);
            }
            Attention.Weigh(shape, TScores.IsEmpty ? shape.Scale : 1, query, block, keys, length, scores + i * Block, maxima + i, totals + i,
                new Span<float>(Sums + i * sumStride, width));
            if (++head == lines.EndHead)
                (head, query) = (lines.FirstHead, query + 1);
        }
        PackedProduct.Pack(new Matrix((nint)scores, Block, 1), lines.Rows, keys, weights, Tile.Rows);
        if (TPanels.LieTogether)
            PackedProduct.Multiply(tile, lines.Rows, width, keys, weights, panels.Values(0, keys), panels.ValueStride, Sums, sumStride, Into.Add);
        for (int first = 0; first < width && !TPanels.LieTogether; first += Tile.Columns)
        {
            float* values = panels.Values(first / Tile.Columns, keys);
            PackedProduct.Multiply(tile, lines.Rows, Math.Min(Tile.Columns, width - first), keys, weights, values, 0, Sums + first, sumStride, Into.Add);
        }
    }

    /// <summary>O and ln Σ e^score of a row that has seen all of its keys.</summary>
    public void Finish<TScores>(in AttentionShape shape, ref TScores function, int head, int row, float* maximum, float* total, Span<float> output, float* log)
        where TScores : struct, IScoreFunction
    {
        if (!TScores.IsEmpty)
            Attention.TakeSink(function.Sink(head), maximum, total, SumsOf(row));
        Attention.Finish(*maximum * (TScores.IsEmpty ? shape.Scale : 1), *total, SumsOf(row), output, log);
    }
}
