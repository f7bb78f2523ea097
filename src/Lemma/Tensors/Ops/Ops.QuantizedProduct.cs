using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    // A part of a job takes about that many bytes of weights: more than it costs to be handed out.
    private const int BytesAPart = 1 << 16, RowsAPart = 256;

    private readonly record struct QuantizedJob(WeightPiece Piece, RoundedRows X, int M, int FirstRow, int N, nint C, nint Stride, bool Add, nint Bias,
        int PanelsAPart, int RowParts);

    // C = A·Wᵀ, or C += A·Wᵀ, for some rows of W that lie in pieces. Rows of A are rounded once for all pieces alike.
    private static void ProductWithPieces(Tape tape, int m, Matrix a, IReadOnlyList<WeightPiece> pieces, int firstRow, int n, float* c, nint stride, bool add,
        float* bias)
    {
        Arena.Mark mark = tape.Scratch.Here;
        RoundedRows x = default;
        (int Part, int Offset) rounded = default;
        for (int i = 0; i < pieces.Count; i++)
        {
            WeightPiece piece = pieces[i];
            int first = Math.Max(firstRow, piece.FirstRow), count = Math.Min(firstRow + n, piece.FirstRow + piece.Rows) - first;
            if (count <= 0)
                continue;
            int own = first - piece.FirstRow;
            float* place = c + first - firstRow, ownBias = bias == null ? null : bias + first - firstRow;
            if (piece.Halves != HalfKind.None)
            {
                Require.That(own % Tile.Columns == 0, $"linear: rows of 16 bits are multiplied from a panel of {Tile.Columns} on, but from row {own} are asked for");
                Product(tape.Workers, m, count, piece.Columns, a, piece.HalfColumns.From(0, own), place, stride, add, ownBias);
                continue;
            }
            if (piece.Layout is not { } layout)
            {
                fixed (float* rows = piece.Floats(own, count))
                    Product(tape.Workers, m, count, piece.Columns, a, Matrix.Rows(rows, piece.Columns).Transposed, place, stride, add, ownBias);
                continue;
            }
            Require.That(own % QuantizedLayout.Rows == 0,
                $"linear: quantized rows are multiplied from a panel of {QuantizedLayout.Rows} on, but from row {own} are asked for");
            if (rounded != (layout.Part, QuantizedTile.OffsetLeft(layout)))
            {
                rounded = (layout.Part, QuantizedTile.OffsetLeft(layout));
                x = Round(tape, m, a, piece.Columns, layout);
            }
            Multiply(tape.Workers, m, x, piece, own, count, place, stride, add, ownBias);
        }
        tape.Scratch.Rewind(mark);
    }

    private static RoundedRows Round(Tape tape, int m, Matrix a, int columns, QuantizedLayout layout)
    {
        Require.That(a.ColumnStride == 1, $"linear: rows of x must lie in order");
        RoundedRows x = new(tape.Scratch.Take(RoundedRows.FloatsFor(m, columns, layout.Part)), m, columns, layout.Part);
        tape.Workers.Rows(m, Workers.RowsFor(columns), (x, a, Offset: QuantizedTile.OffsetLeft(layout)), static (in s, first, count) =>
        {
            for (int row = first; row < first + count; row++)
                s.x.Round(row, s.a.At(row, 0), s.Offset);
        });
        return x;
    }

    private static void Multiply(Workers workers, int m, in RoundedRows x, WeightPiece piece, int firstRow, int n, float* c, nint stride, bool add, float* bias)
    {
        workers.Counter?.Product(m, n, piece.Columns);
        int panels = (n + QuantizedLayout.Rows - 1) / QuantizedLayout.Rows;
        int panelsAPart = (int)Math.Clamp(BytesAPart / piece.Layout!.PanelBytes(piece.Columns), 1, panels), rowParts = (m + RowsAPart - 1) / RowsAPart;
        workers.Run((panels + panelsAPart - 1) / panelsAPart * rowParts,
            new QuantizedJob(piece, x, m, firstRow, n, (nint)c, stride, add, (nint)bias, panelsAPart, rowParts), static (in job, index) =>
            {
                int panel = index / job.RowParts * job.PanelsAPart, row = index % job.RowParts * RowsAPart, column = panel * QuantizedLayout.Rows;
                int columns = Math.Min(job.PanelsAPart * QuantizedLayout.Rows, job.N - column), rows = Math.Min(RowsAPart, job.M - row);
                float* c = (float*)job.C + row * job.Stride + column, bias = job.Bias == 0 ? null : (float*)job.Bias + column;
                byte* panels = job.Piece.Panel(job.FirstRow / QuantizedLayout.Rows + panel);
                QuantizedProduct.Multiply(job.Piece.Layout!, panels, columns, job.Piece.Columns, job.X, row, rows, c, job.Stride, job.Add, bias);
            });
    }
}
