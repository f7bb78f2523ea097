namespace Lemma.Formulas;

/// <summary>y = φ(x·W₁ + b₁)·W₂ + b₂.</summary>
/// <remarks>x, y: [rows, d]; W₁: [d, d_ff]; W₂: [d_ff, d]; 2·d·d_ff weights. Vaswani et al. 2017, eq. 2.</remarks>
public static class FeedForwardLayer
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "ffn",
        Group = "Feed-forward",
        Text = "y = φ(x·W₁ + b₁)·W₂ + b₂",
        Latex = @"y = \varphi\left(x W_1 + b_1\right) W_2 + b_2",
        Shapes = "x, y: [.., d]; w1: [d, d_ff]; b1: [d_ff]; w2: [d_ff, d]; b2: [d]",
        Symbols = "φ (activation): relu, gelu, gelu_tanh, silu, sigmoid, tanh, identity",
        Source = "Vaswani et al. 2017, Attention is all you need, eq. 2",
        Gradient = "through both linear maps and φ",
        Notes = "2·d·d_ff weights, 8·d² with d_ff = 4·d.",
        Example = "x[3,8] w1[8,11] b1[11] w2[11,8] b2[8] activation=gelu",
        Evaluate = Evaluate,
    };

    /// <summary>y; keeps u = x·W₁ + b₁ and h = φ(u) for the backward.</summary>
    public static void Forward(ActivationFunction activation, ReadOnlySpan<float> x, ReadOnlySpan<float> w1, ReadOnlySpan<float> b1,
        ReadOnlySpan<float> w2,
        ReadOnlySpan<float> b2, Span<float> y, Span<float> u, Span<float> h)
    {
        LinearMap.Forward(x, w1, b1, b2.Length, u);
        activation.Forward(u, h);
        LinearMap.Forward(h, w2, b2, b1.Length, y);
    }

    /// <summary>dh = dy·W₂ᵀ, du = φ'(u)∘dh, dx += du·W₁ᵀ, and the weights' gradients.</summary>
    public static void Backward(ActivationFunction activation, ReadOnlySpan<float> x, ReadOnlySpan<float> w1, ReadOnlySpan<float> w2,
        ReadOnlySpan<float> u,
        ReadOnlySpan<float> h, ReadOnlySpan<float> dy, Span<float> dx, Span<float> dw1, Span<float> db1, Span<float> dw2, Span<float> db2)
    {
        float[] dh = new float[h.Length], du = new float[h.Length];
        LinearMap.Backward(h, w2, db1.Length, dy, dh, dw2, db2);
        activation.Backward(u, dh, du);
        LinearMap.Backward(x, w1, db2.Length, du, dx, dw1, db1);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], w1 = call.Input("w1", x.Columns, -1), b1 = call.Input("b1", w1.Columns);
        Values w2 = call.Input("w2", w1.Columns, x.Columns), b2 = call.Input("b2", x.Columns), y = x.Like();
        ActivationFunction activation = ActivationFunction.Read(call, "gelu");
        float[] u = new float[x.Rows * w1.Columns], h = new float[u.Length];
        Forward(activation, x, w1, b1, w2, b2, y, u, h);
        if (call.Backward(y, out float[]? dy))
        {
            Backward(activation, x, w1, w2, u, h, dy, call.Gradient("x"), call.Gradient("w1"), call.Gradient("b1"),
                call.Gradient("w2"), call.Gradient("b2"));
        }
        return y;
    }
}
