using Lemma.Compute;
using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>Turns the first <paramref name="heads"/> heads of every row in place by the angles of the row's position.</summary>
    /// <remarks>x: [rows, …]; heads follow each other, each <see cref="RopeTable.HeadWidth"/> wide.</remarks>
    public static void RopeInPlace(this Tape tape, Tensor x, int heads, ReadOnlyMemory<int> positions, RopeTable table) =>
        tape.RopeInPlace(x, 0, heads, table.HeadWidth, positions, table);

    /// <summary>Turns heads that lie anywhere in every row in place by the angles of the row's position.</summary>
    /// <remarks>
    /// In place, because no operation needs the values before the turn: the backward turns the gradient back.
    /// </remarks>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, …].</param>
    /// <param name="firstColumn">The first turning column of the first head.</param>
    /// <param name="heads">Heads; of each, the first <see cref="RopeTable.Width"/> columns turn.</param>
    /// <param name="headStride">Columns from a head to the next.</param>
    /// <param name="positions">A position a row.</param>
    /// <param name="table">The angles.</param>
    /// <param name="lengths">The length of each row's sequence, needed where <see cref="RopeTable.DependsOnLength"/>.</param>
    public static void RopeInPlace(this Tape tape, Tensor x, int firstColumn, int heads, int headStride, ReadOnlyMemory<int> positions,
        RopeTable table, ReadOnlyMemory<int> lengths = default)
    {
        Require.That(positions.Length == x.Shape.Rows, $"rope: {positions.Length} positions for {x.Shape.Rows} rows");
        Require.That(firstColumn >= 0 && heads > 0 && headStride >= table.Width
            && firstColumn + (heads - 1L) * headStride + table.Width <= x.Shape.Columns,
            $"rope: {heads} heads of {table.Width}, {headStride} apart from column {firstColumn} on, do not fit rows of {x.Shape.Columns}");
        Require.That(!table.DependsOnLength || lengths.Length == positions.Length,
            $"rope: these angles depend on the length of the sequence, so {positions.Length} lengths are needed, but there are {lengths.Length}");
        Require.That(!tape.IsParameter(x), $"rope: it turns in place, so x {x.Shape} must not be a parameter");
        TurnJob job = new((nint)(tape.Pointer(x) + firstColumn), x.Shape.Columns, heads, headStride, positions, table, lengths, IsInverse: false);
        TurnRows(tape, job);
        tape.Record((x, firstColumn, job), static (tape, in s) =>
        {
            if (tape.HasGradient(s.x))
                TurnRows(tape, s.job with { X = (nint)(tape.OutputGradient(s.x) + s.firstColumn), IsInverse = true });
        });
    }

    private readonly record struct TurnJob(nint X, int RowWidth, int Heads, int Stride, ReadOnlyMemory<int> Positions, RopeTable Table,
        ReadOnlyMemory<int> Lengths, bool IsInverse);

    private static void TurnRows(Tape tape, in TurnJob job) => tape.Workers.Rows(job.Positions.Length,
        Workers.RowsFor(job.Heads * job.Table.Width), job, static (in s, first, count) =>
        {
            for (int row = first; row < first + count; row++)
            {
                RopeTable table = s.Table.DependsOnLength ? s.Table.For(s.Lengths.Span[row]) : s.Table;
                int position = s.Positions.Span[row];
                Rope.Turn(new Span<float>((float*)s.X + (nint)row * s.RowWidth, (s.Heads - 1) * s.Stride + table.Width), s.Stride,
                    table.Cosines(position), table.Sines(position), table.Interleaved, s.IsInverse);
            }
        });
}
