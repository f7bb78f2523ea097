using System.Runtime.CompilerServices;

namespace Lemma.Formulas;

/// <summary>Where the queries and outputs of one key/value head lie, and the pages with its keys and values.</summary>
/// <param name="Query">The first query of the group's first head.</param>
/// <param name="QueryStride">Elements from a query to the next.</param>
/// <param name="Output">The first output of the group's first head.</param>
/// <param name="OutputStride">Elements from an output to the next.</param>
/// <param name="Pages">The pages of the sequence, an address for each 192 positions; 0 where none can be seen.</param>
/// <param name="Offset">Where the head lies in each page, in elements of 32 bits.</param>
/// <param name="Format">How the pages' numbers lie.</param>
/// <param name="Logs">[queries, group]: ln Σ e^score; 0 where nobody asks.</param>
internal readonly record struct PagedHead(nint Query, nint QueryStride, nint Output, nint OutputStride, ReadOnlyMemory<nint> Pages, int Offset,
    PageFormat Format = PageFormat.Single, nint Logs = 0);

/// <summary><see cref="Attention"/> over keys and values that lie in pages as packed panels: the same steps in the same order, so the same bits.</summary>
/// <remarks>
/// Without packing of keys and values and chunks. Pages of 32 bits are read as they lie; of others a block of a head is made panels of float32 once, in the
/// thread's scratch, for all queries and heads of the call. In pages of turned blocks, queries are turned as keys were and outputs are turned back.
/// </remarks>
internal static unsafe class PagedAttention
{
    /// <summary>Positions of a page: attention's block.</summary>
    public const int Block = Attention.Block;

    /// <summary>O for the query heads of one key/value head: a panel takes a query's heads together, since all of them meet the same keys.</summary>
    public static void Forward(in AttentionShape shape, in PagedHead head) => Forward(shape, head, default(PlainScores));

    /// <summary>The same with a function of the scores.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward<TScores>(in AttentionShape shape, in PagedHead head, TScores function) where TScores : struct, IScoreFunction
    {
        int d = shape.HeadWidth, width = shape.ValueWidth, group = shape.Group, sumStride = Attention.Rounded(width), lines = shape.Queries * group;
        int panels = (lines + Tile.Rows - 1) / Tile.Rows;
        KeyValuePageShape page = new(1, d, width, head.Format);
        ScratchPlan plan = default;
        long linePart = plan.Add(Tile.Rows * d), scorePart = plan.Add(Tile.Rows * Block), weightPart = plan.Add(Tile.Rows * Block);
        long queryPart = plan.Add((long)panels * Tile.Rows * d), sumPart = plan.Add((long)panels * Tile.Rows * sumStride);
        long statePart = plan.Add((long)(2 * panels + 1) * Tile.MostRows), madePart = plan.Add(page.Format == PageFormat.Single ? 0 : Block * (d + sumStride));
        plan.Take();
        float* line = plan.At(linePart), logs = plan.At(statePart), maxima = logs + Tile.MostRows, totals = maxima + panels * Tile.MostRows;
        for (int i = 0; i < panels; i++)
        {
            int first = i * Tile.Rows, rows = Math.Min(Tile.Rows, lines - first);
            for (int row = 0; row < rows; row++)
            {
                float* from = (float*)head.Query + (first + row) / group * head.QueryStride + (first + row) % group * d;
                new ReadOnlySpan<float>(from, d).CopyTo(new Span<float>(line + row * d, d));
                if (page.IsBlocks)
                    Hadamard.TurnBlocks(line + row * d, d);
            }
            AttentionPanel panel = Panel(plan, shape, i);
            PackedProduct.Pack(new Matrix((nint)line, d, 1), rows, d, panel.Queries, Tile.Rows);
            panel.Clear(rows, maxima + i * Tile.MostRows, totals + i * Tile.MostRows);
        }
        ReadOnlySpan<nint> pages = head.Pages.Span;
        float* made = plan.At(madePart);
        // One panel of queries asks for a panel of keys or values at a time, which is made in the first-level cache; several share the block.
        bool isMade = panels == 1 && page.Format != PageFormat.Single;
        nint valueStride = (nint)Block * Tile.Columns;
        int end = shape.End(shape.Queries - 1, shape.Keys);
        // Blocks outside, panels inside: a block comes from memory, and is made floats, once for all of them.
        for (int block = shape.First(0) / Block * Block; block < end; block += Block)
        {
            float* lying = null;
            for (int i = 0; i < panels; i++)
            {
                int first = i * Tile.Rows, rows = Math.Min(Tile.Rows, lines - first), firstQuery = first / group, lastQuery = (first + rows - 1) / group;
                int last = shape.End(lastQuery, shape.Keys), keys = Math.Min(Block, last - block);
                if (block >= last || block < shape.First(firstQuery) / Block * Block || function.Hides(firstQuery, lastQuery - firstQuery + 1, block, keys))
                    continue;
                bool isFirst = lying == null;
                lying = (float*)pages[block / Block] + head.Offset;
                float* next = block + Block < end ? (float*)pages[block / Block + 1] + head.Offset : lying;
                PanelRows some = new(rows, firstQuery, first % group, 0, group);
                if (isMade)
                {
                    Panel(plan, shape, i).Take(shape, ref function, some, block, keys, shape.Keys, new MadePanels(page, lying, next, made), maxima, totals);
                    continue;
                }
                if (isFirst && page.Format != PageFormat.Single)
                    PageReader.Unpack(page, lying, Math.Min(Block, end - block), made, made + Block * d, next);
                float* keyPanels = page.Format == PageFormat.Single ? lying : made;
                Panel(plan, shape, i).Take(shape, ref function, some, block, keys, shape.Keys, new LyingPanels(keyPanels, keyPanels + Block * d, valueStride),
                    maxima + i * Tile.MostRows, totals + i * Tile.MostRows);
            }
        }
        for (int i = 0; i < panels; i++)
        {
            int first = i * Tile.Rows, rows = Math.Min(Tile.Rows, lines - first);
            AttentionPanel panel = Panel(plan, shape, i);
            for (int row = 0; row < rows; row++)
            {
                float* to = (float*)head.Output + (first + row) / group * head.OutputStride + (first + row) % group * width;
                panel.Finish(shape, ref function, (first + row) % group, row, maxima + i * Tile.MostRows + row, totals + i * Tile.MostRows + row,
                    new Span<float>(to, width), logs + row);
                if (page.IsBlocks)
                    Hadamard.TurnBlocks(to, width);
                if (head.Logs != 0)
                    ((float*)head.Logs)[first + row] = logs[row];
            }
        }

        // Scores and weights serve one panel after another; queries and sums are each panel's own.
        AttentionPanel Panel(in ScratchPlan plan, in AttentionShape shape, int i) => new(shape, plan.At(queryPart) + (nint)i * Tile.Rows * d,
            plan.At(scorePart), plan.At(weightPart), plan.At(sumPart) + (nint)i * Tile.Rows * sumStride);
    }
}
