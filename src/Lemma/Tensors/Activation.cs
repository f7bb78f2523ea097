namespace Lemma.Tensors;

/// <summary>The function φ between the matrices of a feed-forward layer.</summary>
public enum Activation
{
    /// <summary>x·Φ(x).</summary>
    Gelu,

    /// <summary>0.5x(1 + tanh(√(2/π)(x + 0.044715x³))).</summary>
    GeluTanh,

    /// <summary>x·σ(x).</summary>
    Silu,

    /// <summary>max(0, x).</summary>
    Relu,

    /// <summary>max(0, x)².</summary>
    SquaredRelu,

    /// <summary>x·σ(1.702x).</summary>
    QuickGelu,

    /// <summary>1/(1 + e^−x).</summary>
    Sigmoid,

    /// <summary>tanh x.</summary>
    Tanh,

    /// <summary>x.</summary>
    Identity,
}
