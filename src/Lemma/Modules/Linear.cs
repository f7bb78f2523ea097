using Lemma.Formulas;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Modules;

/// <summary>y = x·Wᵀ + b, and s·(x·Aᵀ)·Bᵀ of an adapter where one is applied.</summary>
internal sealed class Linear
{
    // Streams of the model's own dropout are numbered from 0.
    private const ulong FirstStream = 1UL << 32;
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
        AddAdapter(tape, y, x, weight, random);
        return y;
    }

    /// <summary>y += s·(x·Aᵀ)·Bᵀ of what is applied to a matrix.</summary>
    public static void AddAdapter(Tape tape, Tensor y, Tensor x, Parameter weight, Philox? random)
    {
        if (tape.Parameters!.Adapter is not { } adapter)
            return;
        IReadOnlyList<AdapterPart> parts = adapter.PartsOf(weight);
        for (int i = 0; i < parts.Count; i++)
        {
            Tensor read = random is { } draws ? tape.Dropout(x, adapter.Dropout, draws.Split(FirstStream + (ulong)parts[i].Index)) : x;
            Tensor low = tape.Linear(read, tape.ParameterOf(adapter.Parameters, parts[i].A));
            Tensor change = tape.Linear(tape.Scale(low, parts[i].Scale), tape.ParameterOf(adapter.Parameters, parts[i].B));
            tape.AddToColumnsInPlace(y, parts[i].FirstRow, change);
        }
    }
}
