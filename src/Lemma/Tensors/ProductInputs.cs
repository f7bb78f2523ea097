using Lemma.Formulas;

namespace Lemma.Tensors;

/// <summary>How large the inputs of each weight's products are: sums of squares by columns, which say whose errors count.</summary>
internal sealed unsafe class ProductInputs
{
    private readonly Dictionary<string, Sums> all = new(StringComparer.Ordinal);

    /// <summary>Sums of squares, [matrices, columns], and the rows that each matrix met.</summary>
    public sealed record Sums(double[] Squares, long[] Rows);

    /// <summary>The sums of each weight that met rows.</summary>
    public IReadOnlyDictionary<string, Sums> All => all;

    /// <summary>Adds the rows of a product, in their order.</summary>
    /// <param name="weight">The name of the weight.</param>
    /// <param name="shape">Its shape: [out, in], or [matrices, out, in].</param>
    /// <param name="firstRow">The first row of the weight that is multiplied, which says the matrix.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="x">The rows.</param>
    public void Add(string weight, Shape shape, int firstRow, int rows, Matrix x)
    {
        int columns = shape.Columns, matrices = shape.Rank == 3 ? shape[0] : 1, matrix = shape.Rank == 3 ? firstRow / shape[1] : 0;
        if (!all.TryGetValue(weight, out Sums? sums))
            all.Add(weight, sums = new Sums(new double[matrices * columns], new long[matrices]));
        Span<double> own = sums.Squares.AsSpan(matrix * columns, columns);
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                double value = *x.At(row, column);
                own[column] += value * value;
            }
        }
        sums.Rows[matrix] += rows;
    }
}
