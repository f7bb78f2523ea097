using Lemma.Tensors;

namespace Lemma.Modules;

/// <summary>y = x·Wᵀ + b, and s·(x·Aᵀ)·Bᵀ of an adapter where one is applied.</summary>
internal sealed class Linear
{
    private readonly Parameter weight;
    private readonly Parameter? bias;

    public Linear(Scope scope, int outputs, int inputs, bool bias, FirstValue first)
    {
        weight = scope.Matrix("weight", outputs, inputs, first);
        weight.TakesAdapter = true;
        this.bias = bias ? scope.Vector("bias", outputs, FirstValue.Zero) : null;
    }

    /// <summary>W, [out, in].</summary>
    public Parameter Weight => weight;

    /// <summary>[rows, in] to [rows, out].</summary>
    public Tensor Apply(Tape tape, Tensor x)
    {
        Tensor y = tape.Linear(x, tape.Parameter(weight), bias is null ? null : tape.Parameter(bias));
        if (tape.Parameters!.Adapter is not { } adapter)
            return y;
        IReadOnlyList<AdapterPart> parts = adapter.PartsOf(weight);
        for (int i = 0; i < parts.Count; i++)
        {
            Tensor low = tape.Linear(x, tape.ParameterOf(adapter.Parameters, parts[i].A));
            Tensor change = tape.Linear(tape.Scale(low, parts[i].Scale), tape.ParameterOf(adapter.Parameters, parts[i].B));
            tape.AddToColumnsInPlace(y, parts[i].FirstRow, change);
        }
        return y;
    }
}
