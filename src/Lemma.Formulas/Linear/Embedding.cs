namespace Lemma.Formulas;

/// <summary>yᵢ = W[idᵢ].</summary>
/// <remarks>W: [V, d]; ids: [rows]; y: [rows, d].</remarks>
public static class Embedding
{
    /// <summary>yᵢ = W[idᵢ].</summary>
    public static void Forward(ReadOnlySpan<int> ids, ReadOnlySpan<float> weight, int width, Span<float> y)
    {
        Check.Rows("embedding", weight.Length, width);
        Check.SameLength("embedding", ids.Length * width, y.Length);
        int vocabulary = weight.Length / width;
        for (int row = 0; row < ids.Length; row++)
        {
            Check.Target("embedding", ids[row], row, vocabulary);
            weight.Slice(ids[row] * width, width).CopyTo(y.Slice(row * width, width));
        }
    }

    /// <summary>dW[idᵢ] += dyᵢ in the order of rows, for the columns from <paramref name="first"/> on.</summary>
    /// <remarks>Threads split the columns, so that rows with the same id are added in the same order for any number of threads.</remarks>
    public static void Backward(ReadOnlySpan<int> ids, ReadOnlySpan<float> dy, int width, int first, int columns, Span<float> dweight)
    {
        Check.SameLength("embedding", ids.Length * width, dy.Length);
        for (int row = 0; row < ids.Length; row++)
        {
            Span<float> to = dweight.Slice(ids[row] * width + first, columns);
            System.Numerics.Tensors.TensorPrimitives.Add(to, dy.Slice(row * width + first, columns), to);
        }
    }
}
