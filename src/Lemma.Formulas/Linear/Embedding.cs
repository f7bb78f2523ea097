namespace Lemma.Formulas;

/// <summary>yᵢ = W[idᵢ].</summary>
/// <remarks>W: [V, d]; ids: [rows]; y: [rows, d].</remarks>
public static class Embedding
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "embedding",
        Group = "Linear",
        Text = "y_i = W_{id(i)}",
        Latex = @"y_i = W_{\mathrm{id}(i)}",
        Shapes = "ids: any shape of whole numbers in [0, V); weight (W): [V, d]; y: [.., d]",
        Symbols = "an id outside [0, V) is an error",
        Source = "Bengio et al. 2003, section 2",
        Gradient = "dW_{id(i)} += dy_i",
        Kind = FormulaKind.Elementwise,
        Example = "ids[3,7]%13 weight[13,8]",
        Evaluate = Evaluate,
    };

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

    private static Values Evaluate(FormulaCall call)
    {
        int[] ids = call.Integers("ids");
        Values weight = call.Input("weight", -1, -1), y = new([.. call["ids"].Shape, weight.Columns],
            new float[ids.Length * weight.Columns]);
        Forward(ids, weight, weight.Columns, y);
        if (call.Backward(y, out float[]? dy))
            Backward(ids, dy, weight.Columns, 0, weight.Columns, call.Gradient("weight"));
        return y;
    }
}
