using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Language.Views;

/// <summary>Keeps the attention weights of one layer.</summary>
internal sealed class MapObserver(int layer, CancellationToken cancellation) : IPassObserver
{
    /// <summary>[H, T, T]; null where the layer has none.</summary>
    public float[]? Weights { get; private set; }

    public void Attention(Tape tape, int at, in ObservedAttention attention)
    {
        cancellation.ThrowIfCancellationRequested();
        if (at == layer)
            Weights = AttentionWeights.Of(tape, attention.Query, attention.Key, attention.Heads, attention.Terms);
    }

    public void Block(Tape tape, int at, Tensor rows) { }
}
