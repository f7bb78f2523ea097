using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>(Aᵀ)_ij = A_ji.</summary>
/// <remarks>a: [m, n]; Aᵀ: [n, m]; (A·B)ᵀ = Bᵀ·Aᵀ. Golub and Van Loan 2013, Matrix computations, section 1.1.</remarks>
public static class MatrixTranspose
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "matrix_transpose",
        Group = "Linear algebra",
        Text = "(Aᵀ)_ij = A_ji",
        Latex = @"B = A^\top\qquad B_{ij} = A_{ji}",
        Shapes = "a: [m, n]; Aᵀ: [n, m]",
        Symbols = "(A·B)ᵀ = Bᵀ·Aᵀ",
        Source = "Golub and Van Loan 2013, Matrix computations, section 1.1",
        Gradient = "dA += dCᵀ",
        Kind = FormulaKind.Elementwise,
        Example = "a[3,5]",
        Evaluate = Evaluate,
    };

    /// <summary>C [n, m] = Aᵀ of A [m, n].</summary>
    public static void Forward(ReadOnlySpan<float> a, int m, int n, Span<float> c) => Transpose(a, m, n, c, add: false);

    /// <summary>dA [m, n] += dCᵀ of dC [n, m].</summary>
    public static void Backward(ReadOnlySpan<float> dc, int m, int n, Span<float> da) => Transpose(dc, n, m, da, add: true);

    private const int Side = Lanes.Count;

    private static unsafe void Transpose(ReadOnlySpan<float> a, int m, int n, Span<float> c, bool add)
    {
        Check.SameLength("matrix_transpose", m * n, a.Length);
        Check.SameLength("matrix_transpose", m * n, c.Length);
        fixed (float* from = a, to = c)
            Transpose(from, n, m, n, to, m, add);
    }

    /// <summary>C [n, m] = Aᵀ or += Aᵀ of A [m, n], whose rows and those of C are strides apart.</summary>
    // In squares, each turned in a small place of its own, so that whole lines of the cache are read and written.
    internal static unsafe void Transpose(float* a, nint stride, int m, int n, float* c, nint strideC, bool add)
    {
        float* square = stackalloc float[Side * Side];
        for (int top = 0; top < m; top += Side)
        {
            for (int left = 0; left < n; left += Side)
            {
                int rows = Math.Min(Side, m - top), columns = Math.Min(Side, n - left);
                Packing.Transpose(a + top * stride + left, stride, rows, columns, square, Side);
                for (int j = 0; j < columns; j++)
                    Put(square + j * Side, new Span<float>(c + (left + j) * strideC + top, rows), add);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Put(float* line, Span<float> to, bool add)
    {
        Vector512<float> value = Vector512.Load(line);
        if (to.Length == Side)
            (add ? value + Vector512.Create<float>(to) : value).CopyTo(to);
        else
            Lanes.StoreTail(add ? value + Lanes.LoadTail(to) : value, to);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values a = call.Input("a", -1, -1), c = new(a.Columns, a.Rows);
        Forward(a, a.Rows, a.Columns, c);
        if (call.Backward(c, out float[]? dc))
            Backward(dc, a.Rows, a.Columns, call.Gradient("a"));
        return c;
    }
}
