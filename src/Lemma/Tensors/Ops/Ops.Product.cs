using Lemma.Compute;
using Lemma.Formulas;

namespace Lemma.Tensors;

/// <summary>The operations of a tape: each checks shapes, calls a formula over the workers and records its backward.</summary>
public static unsafe partial class Ops
{
    private readonly record struct ProductJob(int M, int N, int K, Matrix A, Matrix B, nint C, nint Stride, bool Add, nint Bias, int RowParts, int ColumnParts,
        int ColumnsInPanels, bool InOneChain);

    /// <summary>C = A·Wᵀ (+ bias) or C += A·Wᵀ, W a weight of rows or of panels.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="m">Rows of A.</param>
    /// <param name="a">[m, in].</param>
    /// <param name="weight">[…, in].</param>
    /// <param name="firstRow">The first row of W in the weight; in panels the first of one.</param>
    /// <param name="n">Rows of W.</param>
    /// <param name="c">[m, n].</param>
    /// <param name="stride">Elements from a row of C to the next.</param>
    /// <param name="add">Whether C is added to.</param>
    /// <param name="bias">[n], or null.</param>
    private static void ProductWithWeight(Tape tape, int m, Matrix a, Tensor weight, int firstRow, int n, float* c, nint stride, bool add = false,
        float* bias = null)
    {
        int k = weight.Shape.Columns;
        tape.Attribute(weight);
        if (tape.Inputs is { } inputs && tape.ParameterOf(weight) is { } observed)
            inputs.Add(observed.Name, weight.Shape, firstRow, m, a);
        if (tape.Quantized(weight) is { } parameter)
        {
            ProductWithPieces(tape, m, a, parameter.Pieces, firstRow, n, c, stride, add, bias);
            return;
        }
        float* stored = tape.StoredPointer(weight, out int inPanels) + (nint)firstRow * k;
        Product(tape.Workers, m, n, k, a, Matrix.Rows(stored, k).Transposed, c, stride, add, bias, Math.Clamp(inPanels - firstRow, 0, n));
    }

    /// <summary>C = A·B (+ bias) or C += A·B, split over the workers into a grid of blocks; the bits do not depend on the grid.</summary>
    /// <remarks>Of a B that is a weight's transpose, the first <paramref name="columnsInPanels"/> columns may lie in panels.</remarks>
    internal static void Product(Workers workers, int m, int n, int k, Matrix a, Matrix b, float* c, nint stride, bool add, float* bias = null,
        int columnsInPanels = 0, bool inOneChain = false)
    {
        workers.Counter?.Product(m, n, k);
        (int rowParts, int columnParts) = Grid(workers.Count, m, n, k);
        workers.Run(rowParts * columnParts, new ProductJob(m, n, k, a, b, (nint)c, stride, add, (nint)bias, rowParts, columnParts, columnsInPanels, inOneChain),
            static (in job, index) =>
            {
                (int row, int rows) = Part(index / job.ColumnParts, job.RowParts, job.M, Tile.Rows);
                (int column, int columns) = Part(index % job.ColumnParts, job.ColumnParts, job.N, Tile.Columns);
                if (rows <= 0 || columns <= 0)
                    return;
                // The first columns may lie in panels; a part begins with one.
                int inPanels = Math.Clamp(job.ColumnsInPanels - column, 0, columns);
                MultiplyPart(job, row, rows, column, inPanels, Matrix.Panels((float*)job.B.Data, job.K));
                MultiplyPart(job, row, rows, column + inPanels, columns - inPanels, job.B);
            });
    }

    /// <summary>dW += upᵀ·x, [outputs, inputs].</summary>
    /// <remarks>A sum over rows that further rows continue: its bits do not depend on how rows are split into passes.</remarks>
    internal static void WeightGradient(Workers workers, int rows, Matrix up, int outputs, Matrix x, int inputs, float* gradient, bool add) =>
        Product(workers, outputs, inputs, rows, up.Transposed, x, gradient, inputs, add, inOneChain: true);

    private static void MultiplyPart(in ProductJob job, int row, int rows, int column, int columns, Matrix b)
    {
        if (columns == 0)
            return;
        float* bias = job.Bias == 0 ? null : (float*)job.Bias + column;
        float* c = (float*)job.C + row * job.Stride + column;
        MatrixProduct.Multiply(rows, columns, job.K, job.A.From(row, 0), b.From(0, column), c, job.Stride, job.Add, bias, job.InOneChain);
    }

    // Every part packs its own rows of A once for 512 columns, and its own columns of B once: the cheapest grid packs least.
    private static (int Rows, int Columns) Grid(int parts, int m, int n, int k)
    {
        if ((long)m * n * k < 65536)
            return (1, 1);
        (int Rows, int Columns) best = (1, parts);
        double least = double.MaxValue;
        for (int rows = 1; rows <= parts; rows++)
        {
            if (parts % rows != 0)
                continue;
            int columns = parts / rows, width = Part(0, columns, n, Tile.Columns).Count, height = Part(0, rows, m, Tile.Rows).Count;
            // The longest part decides when the job ends; packing costs about a sixth of a row of 64 products.
            double cost = (double)width * height + 11.0 * (height * ((width + 511) / 512) + width);
            if (cost < least)
                (best, least) = ((rows, columns), cost);
        }
        return best;
    }

    private static (int First, int Count) Part(int index, int parts, int size, int unit)
    {
        int units = (size + unit - 1) / unit, each = (units + parts - 1) / parts, first = index * each * unit;
        return (first, Math.Min(each * unit, size - first));
    }
}
