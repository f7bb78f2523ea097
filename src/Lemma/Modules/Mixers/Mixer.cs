using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Modules;

/// <summary>What moves between the positions of a sequence, and what it keeps of one.</summary>
internal abstract class Mixer
{
    /// <summary>[rows, d] to [rows, d].</summary>
    public abstract Tensor Apply(Tape tape, Tensor x, in Pass pass);

    /// <summary>What one sequence keeps here between passes.</summary>
    public abstract LayerState NewState();
}
