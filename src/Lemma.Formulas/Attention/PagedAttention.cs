using System.Runtime.CompilerServices;

namespace Lemma.Formulas;

/// <summary>How a page of 192 positions lies: for each key/value head its keys, then its values, in the panels of the tile.</summary>
/// <remarks>
/// Each key panel is [d_h][columns] of the tile's columns positions, each value panel [192][columns] of so many elements of the values.
/// </remarks>
internal readonly record struct KeyValuePageShape(int Heads, int HeadWidth, int ValueWidth)
{
    /// <summary>Elements of the keys of one head.</summary>
    public int KeyElements => PagedAttention.Block * HeadWidth;

    /// <summary>Elements of one head.</summary>
    public int HeadElements => KeyElements + PagedAttention.Block * Attention.Rounded(ValueWidth);

    /// <summary>Elements of a page.</summary>
    public int Elements => Heads * HeadElements;
}

/// <summary>Where the queries and outputs of one key/value head lie, and the pages with its keys and values.</summary>
/// <param name="Query">The first query of the group's first head.</param>
/// <param name="QueryStride">Elements from a query to the next.</param>
/// <param name="Output">The first output of the group's first head.</param>
/// <param name="OutputStride">Elements from an output to the next.</param>
/// <param name="Pages">The pages of the sequence, an address for each 192 positions; 0 where none can be seen.</param>
/// <param name="Offset">Where the head lies in each page, in elements.</param>
/// <param name="Logs">[queries, group]: ln Σ e^score; 0 where nobody asks.</param>
internal readonly record struct PagedHead(nint Query, nint QueryStride, nint Output, nint OutputStride, ReadOnlyMemory<nint> Pages, int Offset, nint Logs = 0);

/// <summary><see cref="Attention"/> over keys and values that lie in pages as packed panels: the same steps in the same order, so the same bits.</summary>
/// <remarks>Without packing of keys and values and chunks.</remarks>
internal static unsafe class PagedAttention
{
    /// <summary>Positions of a page: attention's block.</summary>
    public const int Block = Attention.Block;

    /// <summary>Writes the key and value of one position of one head into its page.</summary>
    public static void Append(in KeyValuePageShape shape, float* head, int position, ReadOnlySpan<float> key, ReadOnlySpan<float> value)
    {
        int place = position % Block, columns = Tile.Columns;
        float* keys = head + (nint)(place / columns) * columns * shape.HeadWidth + place % columns;
        for (int i = 0; i < key.Length; i++)
            keys[(nint)i * columns] = key[i];
        float* values = head + shape.KeyElements + (nint)place * columns;
        for (int i = 0; i < value.Length; i += columns)
            value.Slice(i, Math.Min(columns, value.Length - i)).CopyTo(new Span<float>(values + (nint)i * Block, columns));
    }

    /// <summary>O for the query heads of one key/value head: a panel takes a query's heads together, since all of them meet the same keys.</summary>
    public static void Forward(in AttentionShape shape, in PagedHead head) => Forward(shape, head, default(PlainScores));

    /// <summary>The same with a function of the scores.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward<TScores>(in AttentionShape shape, in PagedHead head, TScores function) where TScores : struct, IScoreFunction
    {
        int d = shape.HeadWidth, width = shape.ValueWidth, group = shape.Group, sumStride = Attention.Rounded(width), lines = shape.Queries * group;
        ScratchPlan plan = default;
        long linePart = plan.Add(Tile.Rows * d), queryPart = plan.Add(Tile.Rows * d), scorePart = plan.Add(Tile.Rows * Block);
        long weightPart = plan.Add(Tile.Rows * Block), sumPart = plan.Add(Tile.Rows * sumStride), statePart = plan.Add(3 * Tile.MostRows);
        plan.Take();
        float* line = plan.At(linePart), maxima = plan.At(statePart), totals = maxima + Tile.MostRows, logs = totals + Tile.MostRows;
        AttentionPanel panel = new(shape, plan.At(queryPart), plan.At(scorePart), plan.At(weightPart), plan.At(sumPart));
        ReadOnlySpan<nint> pages = head.Pages.Span;
        for (int first = 0; first < lines; first += Tile.Rows)
        {
            int rows = Math.Min(Tile.Rows, lines - first), firstQuery = first / group, lastQuery = (first + rows - 1) / group;
            for (int i = 0; i < rows; i++)
            {
                float* from = (float*)head.Query + (first + i) / group * head.QueryStride + (first + i) % group * d;
                new ReadOnlySpan<float>(from, d).CopyTo(new Span<float>(line + i * d, d));
            }
            PackedProduct.Pack(new Matrix((nint)line, d, 1), rows, d, panel.Queries, Tile.Rows);
            panel.Clear(rows, maxima, totals);
            PanelRows all = new(rows, firstQuery, first % group, 0, group);
            int end = shape.End(lastQuery, shape.Keys);
            for (int block = shape.First(firstQuery) / Block * Block; block < end; block += Block)
            {
                int keys = Math.Min(Block, end - block);
                if (function.Hides(firstQuery, lastQuery - firstQuery + 1, block, keys))
                    continue;
                float* page = (float*)pages[block / Block] + head.Offset;
                panel.Take(shape, ref function, all, block, keys, shape.Keys, page, page + Block * d, (nint)Block * Tile.Columns, maxima, totals);
            }
            for (int i = 0; i < rows; i++)
            {
                float* to = (float*)head.Output + (first + i) / group * head.OutputStride + (first + i) % group * width;
                panel.Finish(shape, ref function, (first + i) % group, i, maxima + i, totals + i, new Span<float>(to, width), logs + i);
                if (head.Logs != 0)
                    ((float*)head.Logs)[first + i] = logs[i];
            }
        }
    }
}
