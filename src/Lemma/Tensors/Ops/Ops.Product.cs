using Lemma.Compute;
using Lemma.Formulas;

namespace Lemma.Tensors;

/// <summary>The operations of a tape: each checks shapes, calls a formula over the workers and records its backward.</summary>
public static unsafe partial class Ops
{
    private readonly record struct ProductJob(int M, int N, int K, Matrix A, Matrix B, nint C, nint Stride, bool Add, nint Bias, int RowParts, int ColumnParts);

    /// <summary>C = A·B (+ bias) or C += A·B, split over the workers into a grid of blocks; the bits do not depend on the grid.</summary>
    internal static void Product(Workers workers, int m, int n, int k, Matrix a, Matrix b, float* c, nint stride, bool add, float* bias = null)
    {
        (int rowParts, int columnParts) = Grid(workers.Count, m, n, k);
        workers.Run(rowParts * columnParts, new ProductJob(m, n, k, a, b, (nint)c, stride, add, (nint)bias, rowParts, columnParts),
            static (in job, index) =>
            {
                (int row, int rows) = Part(index / job.ColumnParts, job.RowParts, job.M, Tile.Rows);
                (int column, int columns) = Part(index % job.ColumnParts, job.ColumnParts, job.N, Tile.Columns);
                if (rows <= 0 || columns <= 0)
                    return;
                float* bias = job.Bias == 0 ? null : (float*)job.Bias + column;
                MatrixProduct.Multiply(rows, columns, job.K, job.A.From(row, 0), job.B.From(0, column),
                    (float*)job.C + row * job.Stride + column, job.Stride, job.Add, bias);
            });
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
