using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>C_{out} = Σ over indices not in out of Π_t A_t.</summary>
/// <remarks>
/// a, and b if there are two: any shapes; C: by the indices after the arrow; equation: such as ij,jk->ik; an index of two sizes, or one
/// after the arrow that stands nowhere before it, is an error. Runs as a batch of matrix products. Einstein 1916, section 5.
/// </remarks>
public static class EinsteinSum
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "einsum",
        Group = "Linear algebra",
        Text = "C_{out} = Σ over indices not in out of Π_t A_t",
        Latex = @"C_\mathrm{out} = \sum_\text{indices not in out}\prod_t A_t",
        Shapes = "a, and b if there are two: any shapes; C: by the indices after the arrow",
        Symbols = "equation: such as ij,jk->ik; an index of two sizes, or one after the arrow that stands nowhere before it, is an error",
        Source = "Einstein 1916, section 5",
        Gradient = "dA_t: the einsum of dC and the others, into the indices of A_t",
        Notes = "i,i-> is a dot product, ik,kj->ij a product, i,j->ij an outer product, ij->ji a transpose, abc-> a sum.",
        Example = "a[3,4] b[4,5] equation=ij,jk->ik",
        Evaluate = Evaluate,
    };

    /// <summary>The shape of C.</summary>
    public static int[] Shape(string equation, ReadOnlySpan<int> shapeA, ReadOnlySpan<int> shapeB) => Read(equation, shapeA, shapeB).Shape;

    /// <summary>C of an equation with two terms, or with one: then <paramref name="b"/> and its shape are empty.</summary>
    public static void Forward(string equation, ReadOnlySpan<float> a, ReadOnlySpan<int> shapeA, ReadOnlySpan<float> b,
        ReadOnlySpan<int> shapeB, Span<float> c)
    {
        EinsteinEquation e = Read(equation, shapeA, shapeB);
        CheckLengths(e, a.Length, b.Length, c.Length);
        c.Clear();
        if (e.IsEmpty)
            return;
        float[] left = Gather(e.A, a), right = e.HasTwo ? Gather(e.B, b) : [1], product = new float[e.C.Count];
        int m = e.C.Rows.Length, n = e.C.Columns.Length, k = e.A.Columns.Length;
        for (int i = 0; i < e.C.Batch.Length; i++)
        {
            Multiply(m, n, k, left.AsSpan(i * m * k, m * k), false, right.AsSpan(i * k * n, k * n), false,
                product.AsSpan(i * m * n, m * n));
        }
        Scatter(e.C, product, c);
    }

    /// <summary>dA_t += the einsum of dC and the other operand, into the indices of A_t.</summary>
    public static void Backward(string equation, ReadOnlySpan<float> a, ReadOnlySpan<int> shapeA, ReadOnlySpan<float> b,
        ReadOnlySpan<int> shapeB, ReadOnlySpan<float> dc, Span<float> da, Span<float> db)
    {
        EinsteinEquation e = Read(equation, shapeA, shapeB);
        CheckLengths(e, a.Length, b.Length, dc.Length);
        CheckLengths(e, da.Length, db.Length, dc.Length);
        if (e.IsEmpty)
            return;
        float[] left = Gather(e.A, a), right = e.HasTwo ? Gather(e.B, b) : [1], up = Gather(e.C, dc);
        float[] dleft = new float[left.Length], dright = new float[right.Length];
        int m = e.C.Rows.Length, n = e.C.Columns.Length, k = e.A.Columns.Length;
        for (int i = 0; i < e.C.Batch.Length; i++)
        {
            Range ofA = (i * m * k)..((i + 1) * m * k), ofB = (i * k * n)..((i + 1) * k * n), ofC = (i * m * n)..((i + 1) * m * n);
            Multiply(m, k, n, up.AsSpan(ofC), false, right.AsSpan(ofB), true, dleft.AsSpan(ofA));
            if (e.HasTwo)
                Multiply(k, n, m, left.AsSpan(ofA), true, up.AsSpan(ofC), false, dright.AsSpan(ofB));
        }
        Scatter(e.A, dleft, da);
        if (e.HasTwo)
            Scatter(e.B, dright, db);
    }

    // Products of one row with one column, and of an inner size of 1, are not worth packing.
    private static void Multiply(int m, int n, int k, ReadOnlySpan<float> a, bool transposeA, ReadOnlySpan<float> b, bool transposeB,
        Span<float> c)
    {
        if (m == 1 && n == 1)
            c[0] = Lanes.Dot(a, b);
        else if (k == 1 && n == 1)
            TensorPrimitives.Multiply(a, b[0], c);
        else if (k == 1)
        {
            for (int i = 0; i < m; i++)
                TensorPrimitives.Multiply(b, a[i], c.Slice(i * n, n));
        }
        else
            SpanProduct.Multiply(m, n, k, a, transposeA, b, transposeB, c);
    }

    private static float[] Gather(EinsteinEquation.Operand operand, ReadOnlySpan<float> from)
    {
        float[] to = new float[operand.Count];
        int at = 0;
        foreach (int batch in operand.Batch)
        {
            foreach (int row in operand.Rows)
            {
                foreach (int column in operand.Columns)
                    to[at++] = operand.Alone.Length == 1 ? from[batch + row + column] : Sum(from[(batch + row + column)..], operand.Alone);
            }
        }
        return to;
    }

    private static float Sum(ReadOnlySpan<float> from, int[] places)
    {
        double sum = 0;
        foreach (int place in places)
            sum += from[place];
        return (float)sum;
    }

    private static void Scatter(EinsteinEquation.Operand operand, ReadOnlySpan<float> from, Span<float> to)
    {
        int at = 0;
        foreach (int batch in operand.Batch)
        {
            foreach (int row in operand.Rows)
            {
                foreach (int column in operand.Columns)
                {
                    float value = from[at++];
                    foreach (int place in operand.Alone)
                        to[batch + row + column + place] += value;
                }
            }
        }
    }

    private static EinsteinEquation Read(string equation, ReadOnlySpan<int> shapeA, ReadOnlySpan<int> shapeB)
    {
        ArgumentNullException.ThrowIfNull(equation);
        return new EinsteinEquation(equation, shapeA, shapeB);
    }

    private static void CheckLengths(EinsteinEquation e, int a, int b, int c)
    {
        Check.SameLength("einsum", e.CountA, a);
        Check.SameLength("einsum", e.HasTwo ? e.CountB : 0, b);
        Check.SameLength("einsum", e.CountC, c);
    }

    private static Values Evaluate(FormulaCall call)
    {
        string equation = call.Word("equation");
        Values a = call["a"];
        bool two = call.Has("b");
        Check.That(equation.Contains(',', StringComparison.Ordinal) == two, "einsum",
            $"the equation {equation} must have {(two ? 2 : 1)} terms and one arrow");
        int[] shapeA = a.Shape, shapeB = two ? call["b"].Shape : [];
        ReadOnlySpan<float> b = two ? call["b"] : default(ReadOnlySpan<float>);
        Values y = call.New(Shape(equation, shapeA, shapeB));
        Forward(equation, a, shapeA, b, shapeB, y);
        if (call.Backward(y, out float[]? dy))
            Backward(equation, a, shapeA, b, shapeB, dy, call.Gradient("a"), two ? call.Gradient("b") : default);
        return y;
    }
}
