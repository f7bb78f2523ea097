using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>y = (x·W + b)∘σ(x·V + c).</summary>
/// <remarks>x: [rows, d]; W, V: [d, d_ff]; b, c: [d_ff]; y: [rows, d_ff]. Dauphin et al. 2016, eq. 1.</remarks>
public static class GatedUnit
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "glu",
        Group = "Feed-forward",
        Text = "y = (x·W + b)∘σ(x·V + c)",
        Latex = @"y = (x W + b)\odot\sigma(x V + c)",
        Shapes = "x: [.., d]; w, v: [d, d_ff]; b, c: [d_ff]; y: [.., d_ff]",
        Symbols = "∘: element by element",
        Source = "Dauphin et al. 2016, Language modeling with gated convolutional networks, eq. 1",
        Gradient = "da = σ(u)∘dy, du = a∘σ'(u)∘dy",
        Example = "x[3,8] w[8,11] v[8,11] b[11] c[11]",
        Evaluate = Evaluate,
    };

    /// <summary>y; keeps a = x·W + b, u = x·V + c and σ(u) for the backward.</summary>
    public static void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> v, ReadOnlySpan<float> b,
        ReadOnlySpan<float> c, int inputs,
        Span<float> y, Span<float> a, Span<float> u, Span<float> gate)
    {
        LinearMap.Forward(x, w, b, inputs, a);
        LinearMap.Forward(x, v, c, inputs, u);
        Sigmoid.Forward(u, gate);
        TensorPrimitives.Multiply(a, gate, y);
    }

    /// <summary>da = σ(u)∘dy, du = a∘σ'(u)∘dy, then both linear maps' gradients.</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> v, int inputs, ReadOnlySpan<float> a,
        ReadOnlySpan<float> u,
        ReadOnlySpan<float> gate, ReadOnlySpan<float> dy, Span<float> dx, Span<float> dw, Span<float> dv, Span<float> db, Span<float> dc)
    {
        float[] da = new float[a.Length], dgate = new float[a.Length], du = new float[a.Length];
        TensorPrimitives.Multiply(gate, dy, da);
        TensorPrimitives.Multiply(a, dy, dgate);
        Sigmoid.Backward(u, dgate, du);
        LinearMap.Backward(x, w, inputs, da, dx, dw, db);
        LinearMap.Backward(x, v, inputs, du, dx, dv, dc);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], w = call.Input("w", x.Columns, -1), v = call.Same("v", w), b = call.Input("b", w.Columns), c = call.Input("c",
            w.Columns);
        Values y = new([.. x.Shape[..^1], w.Columns], new float[x.Rows * w.Columns]), a = y.Like(), u = y.Like(), gate = y.Like();
        Forward(x, w, v, b, c, x.Columns, y, a, u, gate);
        if (call.Backward(y, out float[]? dy))
        {
            Backward(x, w, v, x.Columns, a, u, gate, dy, call.Gradient("x"), call.Gradient("w"), call.Gradient("v"),
                call.Gradient("b"), call.Gradient("c"));
        }
        return y;
    }
}
