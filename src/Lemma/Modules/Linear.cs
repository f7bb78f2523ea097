using Lemma.Formulas;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Modules;

/// <summary>y = x·Wᵀ + b, and s·(x·Aᵀ)·Bᵀ of an adapter where one is applied.</summary>
internal sealed class Linear
{
    private readonly Parameter weight;
    private readonly Parameter? bias;

    public Linear(Scope scope, int outputs, int inputs, bool bias, FirstValue first)
    {
        weight = scope.Matrix("weight", outputs, inputs, first);
        weight.TakesAdapter = weight.TakesPanels = true;
        this.bias = bias ? scope.Vector("bias", outputs, FirstValue.Zero) : null;
    }

    /// <summary>W, [out, in].</summary>
    public Parameter Weight => weight;

    /// <summary>[rows, in] to [rows, out].</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, in].</param>
    /// <param name="random">The pass's generator, which an adapter's dropout draws from; null to drop nothing.</param>
    public Tensor Apply(Tape tape, Tensor x, Philox? random = null)
    {
        Tensor y = tape.Linear(x, tape.Parameter(weight), bias is null ? null : tape.Parameter(bias));
        Adapted.AddToProduct(tape, y, x, weight, bias, random);
        return y;
    }
}
