namespace Lemma.Formulas;

/// <summary>An activation of a feed-forward layer by its name.</summary>
/// <param name="Name">relu, gelu, gelu_tanh, silu, sigmoid, tanh or identity.</param>
public readonly record struct ActivationFunction(string Name)
{
    /// <summary>The activation that a call names.</summary>
    internal static ActivationFunction Read(FormulaCall call, string fallback)
    {
        string name = call.Word("activation", fallback);
        return name is "relu" or "gelu" or "gelu_tanh" or "silu" or "sigmoid" or "tanh" or "identity" ? new ActivationFunction(name)
            : throw call.Error($"the activation must be relu, gelu, gelu_tanh, silu, sigmoid, tanh or identity, but it is {name}");
    }

    /// <summary>y = φ(x); y may be x.</summary>
    public void Forward(ReadOnlySpan<float> x, Span<float> y)
    {
        switch (Name)
        {
            case "relu": Relu.Forward(x, y); break;
            case "gelu": Gelu.Forward(x, y); break;
            case "gelu_tanh": GeluTanh.Forward(x, y); break;
            case "silu": Silu.Forward(x, y); break;
            case "sigmoid": Sigmoid.Forward(x, y); break;
            case "tanh": Tanh.Forward(x, y); break;
            case "identity": x.CopyTo(y); break;
            default: throw Unknown();
        }
    }

    /// <summary>dx += φ'(x)·dy.</summary>
    public void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx)
    {
        switch (Name)
        {
            case "relu": Relu.Backward(x, dy, dx); break;
            case "gelu": Gelu.Backward(x, dy, dx); break;
            case "gelu_tanh": GeluTanh.Backward(x, dy, dx); break;
            case "silu": Silu.Backward(x, dy, dx); break;
            case "sigmoid": Sigmoid.Backward(x, dy, dx); break;
            case "tanh": Tanh.Backward(x, dy, dx); break;
            case "identity": Lanes.AddScaled(dy, 1, dx); break;
            default: throw Unknown();
        }
    }

    private ArgumentException Unknown() =>
        new($"activation: it must be relu, gelu, gelu_tanh, silu, sigmoid, tanh or identity, but it is {Name}");
}
