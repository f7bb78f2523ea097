using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>y_h = x_h·W_h or x_h·W_hᵀ for every head h, W_h some rows of one weight. It has no gradient.</summary>
    /// <remarks>What absorbs the matrices of latent attention into its queries and outputs.</remarks>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, H·a].</param>
    /// <param name="heads">H.</param>
    /// <param name="weight">[…, b].</param>
    /// <param name="firstRow">The first row of W_0.</param>
    /// <param name="rowStride">Rows from a head's to the next.</param>
    /// <param name="count">Rows of each W_h.</param>
    /// <param name="isTransposed">Whether W_hᵀ is meant: a = b then, else a = count.</param>
    /// <returns>[rows, H·b], transposed [rows, H·count].</returns>
    internal static Tensor HeadProduct(this Tape tape, Tensor x, int heads, Tensor weight, int firstRow, int rowStride, int count, bool isTransposed)
    {
        int columns = weight.Shape.Columns, inner = isTransposed ? columns : count, width = isTransposed ? count : columns, rows = x.Shape.Rows;
        Require.That(x.Shape.Columns == heads * inner && firstRow + (long)(heads - 1) * rowStride + count <= weight.Shape.Rows,
            $"head_product: {heads} heads of {inner} in rows of {x.Shape} do not fit {count} rows each, {rowStride} apart, of {weight.Shape}");
        Tensor y = tape.New(new Shape(rows, heads * width));
        tape.Attribute(weight);
        for (int head = 0; head < heads; head++)
        {
            Matrix own = Matrix.Rows(tape.Pointer(weight) + (nint)(firstRow + head * rowStride) * columns, columns);
            Product(tape.Workers, rows, width, inner, Matrix.Rows(tape.Pointer(x) + (nint)head * inner, x.Shape.Columns), isTransposed ? own.Transposed : own,
                tape.Pointer(y) + (nint)head * width, y.Shape.Columns, add: false);
        }
        tape.RecordStop("head_product", y);
        return y;
    }
}
