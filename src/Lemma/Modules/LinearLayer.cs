using Lemma.Tensors;

namespace Lemma.Modules;

/// <summary>y = x·Wᵀ + b with named parameters.</summary>
internal sealed class LinearLayer(Parameters parameters, string name, bool bias)
{
    private readonly Parameter weight = parameters[$"{name}.weight"];
    private readonly Parameter? bias = bias ? parameters[$"{name}.bias"] : null;

    /// <summary>[rows, in] to [rows, out].</summary>
    public Tensor Apply(Tape tape, Tensor x) => tape.Linear(x, tape.Parameter(weight), bias is null ? null : tape.Parameter(bias));
}
