using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>yᵢ = (pᵢ + √w·W[idᵢ])/√2: rows that a token has for each layer.</summary>
/// <remarks>W: [V, d]; ids: [rows]; p, y: [rows, d], d = w times the layers. Gemma Team 2025, Gemma 3n, and its published code.</remarks>
public static class PerLayerEmbedding
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "per_layer_embedding",
        Group = "Linear",
        Text = "y_i = (p_i + √w·W_{id(i)})/√2",
        Latex = @"y_i = \frac{p_i + \sqrt{w}\cdot W_{\mathrm{id}(i)}}{\sqrt{2}}",
        Shapes = "ids: [rows] of whole numbers in [0, V); weight (W): [V, d]; p, y: [rows, d]",
        Symbols = "p: the normed projection of the token's row; w: width, of one layer's share; without it d",
        Source = "Gemma Team 2025, Gemma 3n model overview, and its published code",
        Gradient = "dp += dy/√2, dW_{id(i)} += √(w/2)·dy_i",
        Notes = "Layer l takes columns l·w to (l + 1)·w, gates them by its stream and adds what a projection makes of them.",
        Kind = FormulaKind.Elementwise,
        Example = "ids[5]%13 weight[13,8] p[5,8] width=4",
        Evaluate = Evaluate,
    };

    /// <summary>y; may be p.</summary>
    public static void Forward(ReadOnlySpan<int> ids, ReadOnlySpan<float> weight, ReadOnlySpan<float> p, int columns, int width, Span<float> y)
    {
        CheckInput(ids, weight.Length, columns, width, p.Length);
        Check.SameLength("per_layer_embedding", p.Length, y.Length);
        float own = MathF.Sqrt(0.5f), looked = MathF.Sqrt(width / 2f);
        for (int row = 0; row < ids.Length; row++)
        {
            Check.Target("per_layer_embedding", ids[row], row, weight.Length / columns);
            ReadOnlySpan<float> token = weight.Slice(ids[row] * columns, columns), projected = p.Slice(row * columns, columns);
            TensorPrimitives.Multiply(projected, own, y.Slice(row * columns, columns));
            Lanes.AddScaled(token, looked, y.Slice(row * columns, columns));
        }
    }

    /// <summary>dp += dy/√2;  dW[idᵢ] += √(w/2)·dyᵢ in the order of rows.</summary>
    public static void Backward(ReadOnlySpan<int> ids, ReadOnlySpan<float> dy, int columns, int width, Span<float> dp, Span<float> dweight)
    {
        CheckInput(ids, dweight.Length, columns, width, dy.Length);
        Check.SameLength("per_layer_embedding", dy.Length, dp.Length);
        Lanes.AddScaled(dy, MathF.Sqrt(0.5f), dp);
        for (int row = 0; row < ids.Length; row++)
            Lanes.AddScaled(dy.Slice(row * columns, columns), MathF.Sqrt(width / 2f), dweight.Slice(ids[row] * columns, columns));
    }

    private static void CheckInput(ReadOnlySpan<int> ids, int weights, int columns, int width, int rows)
    {
        Check.Rows("per_layer_embedding", weights, columns);
        Check.SameLength("per_layer_embedding", ids.Length * columns, rows);
        Check.That(width > 0, "per_layer_embedding", $"the width must be positive, but it is {width}");
    }

    private static Values Evaluate(FormulaCall call)
    {
        int[] ids = call.Integers("ids");
        Values weight = call.Input("weight", -1, -1), p = call.Input("p", ids.Length, weight.Columns), y = p.Like();
        int width = call.Whole("width", weight.Columns);
        Forward(ids, weight, p, weight.Columns, width, y);
        if (call.Backward(y, out float[]? dy))
            Backward(ids, dy, weight.Columns, width, call.Gradient("p"), call.Gradient("weight"));
        return y;
    }
}
