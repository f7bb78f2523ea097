using Lemma.Tensors;

namespace Lemma.Modules;

/// <summary>y = x·Wᵀ + b.</summary>
internal sealed class Linear(Scope scope, int outputs, int inputs, bool bias, FirstValue first)
{
    private readonly Parameter weight = scope.Matrix("weight", outputs, inputs, first);
    private readonly Parameter? bias = bias ? scope.Vector("bias", outputs, FirstValue.Zero) : null;

    /// <summary>W, [out, in].</summary>
    public Parameter Weight => weight;

    /// <summary>[rows, in] to [rows, out].</summary>
    public Tensor Apply(Tape tape, Tensor x) => tape.Linear(x, tape.Parameter(weight), bias is null ? null : tape.Parameter(bias));
}
