using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>y = (φ(x·W₁)∘(x·W₂))·W₃: GEGLU with gelu, SwiGLU with silu, ReGLU with relu, bilinear with the identity.</summary>
/// <remarks>
/// x, y: [rows, d]; W₁, W₂: [d, d_ff]; W₃: [d_ff, d]; 3·d·d_ff weights. Shazeer 2020, GLU variants improve transformer, eq. 6.
/// </remarks>
public static class GatedFeedForward
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "ffn_glu",
        Group = "Feed-forward",
        Text = "y = (φ(x·W₁)∘(x·W₂))·W₃",
        Latex = @"y = \left(\varphi(x W_1)\odot(x W_2)\right) W_3",
        Shapes = "x, y: [.., d]; w1, w2: [d, d_ff]; w3: [d_ff, d]",
        Symbols = "φ (activation): gelu is GEGLU, silu SwiGLU, relu ReGLU, identity bilinear",
        Source = "Shazeer 2020, GLU variants improve transformer, eq. 6",
        Gradient = "db = φ(u)∘dh, du = φ'(u)∘b∘dh, dh = dy·W₃ᵀ",
        Notes = "Three matrices, 3·d·d_ff weights: with d_ff = 8·d/3 the 8·d² of the plain layer (correction 2). gelu makes GEGLU, not "
            + "SwiGLU (correction 10).",
        Example = "x[3,8] w1[8,11] w2[8,11] w3[11,8] activation=silu",
        Evaluate = Evaluate,
    };

    /// <summary>y; keeps u = x·W₁, b = x·W₂ and h = φ(u)∘b for the backward.</summary>
    public static void Forward(ActivationFunction activation, ReadOnlySpan<float> x, ReadOnlySpan<float> w1, ReadOnlySpan<float> w2,
        ReadOnlySpan<float> w3,
        int inputs, Span<float> y, Span<float> u, Span<float> b, Span<float> h)
    {
        LinearMap.Forward(x, w1, default, inputs, u);
        LinearMap.Forward(x, w2, default, inputs, b);
        activation.Forward(u, h);
        TensorPrimitives.Multiply(h, b, h);
        LinearMap.Forward(h, w3, default, w1.Length / inputs, y);
    }

    /// <summary>dh = dy·W₃ᵀ, db = φ(u)∘dh, du = φ'(u)∘b∘dh, then the linear maps' gradients.</summary>
    public static void Backward(ActivationFunction activation, ReadOnlySpan<float> x, ReadOnlySpan<float> w1, ReadOnlySpan<float> w2,
        ReadOnlySpan<float> w3,
        int inputs, ReadOnlySpan<float> u, ReadOnlySpan<float> b, ReadOnlySpan<float> h, ReadOnlySpan<float> dy,
        Span<float> dx, Span<float> dw1, Span<float> dw2, Span<float> dw3)
    {
        float[] dh = new float[h.Length], du = new float[h.Length], value = new float[h.Length];
        LinearMap.Backward(h, w3, w1.Length / inputs, dy, dh, dw3, default);
        activation.Forward(u, value);
        TensorPrimitives.Multiply(value, dh, value);
        LinearMap.Backward(x, w2, inputs, value, dx, dw2, default);
        TensorPrimitives.Multiply(dh, b, dh);
        activation.Backward(u, dh, du);
        LinearMap.Backward(x, w1, inputs, du, dx, dw1, default);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], w1 = call.Input("w1", x.Columns, -1), w2 = call.Same("w2", w1), w3 = call.Input("w3", w1.Columns, x.Columns),
            y = x.Like();
        ActivationFunction activation = ActivationFunction.Read(call, "silu");
        float[] u = new float[x.Rows * w1.Columns], b = new float[u.Length], h = new float[u.Length];
        Forward(activation, x, w1, w2, w3, x.Columns, y, u, b, h);
        if (call.Backward(y, out float[]? dy))
        {
            Backward(activation, x, w1, w2, w3, x.Columns, u, b, h, dy, call.Gradient("x"), call.Gradient("w1"),
                call.Gradient("w2"), call.Gradient("w3"));
        }
        return y;
    }
}
