using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Models;

/// <summary>A model: its choices and its weights.</summary>
/// <remarks>A pass changes nothing in it, so that many threads may share one, each with its own tape and workers.</remarks>
public abstract class Model : IDisposable
{
    private protected Model(Parameters parameters) => Parameters = parameters;

    /// <summary>The weights, and when training their gradients and moments.</summary>
    public Parameters Parameters { get; }

    internal abstract ModelConfig AnyConfig { get; }

    /// <summary>What one sequence keeps in each layer before its first token; cross attention's states, which need a source, are not among them.</summary>
    internal virtual IEnumerable<LayerState> NewLayers(CacheFormat format) => [];

    /// <summary>The last rows of the stack that reads a text, [rows, d]: of an encoder and a decoder, those of the encoder.</summary>
    internal abstract Tensor Read(Tape tape, in Rows rows, IPassObserver? observer = null);

    /// <summary>The head that predicts ids from rows of <see cref="Read"/>; null where there is none.</summary>
    internal abstract Head? Predictor { get; }

    /// <summary>The stack of <see cref="Read"/>.</summary>
    internal abstract Stack Reader { get; }

    /// <summary>How keys and values of the states that are made from now on are stored; 32-bit floats unless it is set.</summary>
    /// <exception cref="ArgumentException">The format's blocks do not fill a head, or no layer keeps keys and values.</exception>
    public CacheFormat CacheFormat
    {
        get;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            LayerState[] layers = [.. NewLayers(value)];
            foreach (LayerState layer in layers)
                layer.Dispose();
            Require.That(value == CacheFormat.Float32 || layers.Any(layer => layer is KeyValuePages),
                $"cache: no layer of this model keeps keys and values, so there is nothing to store as {value}");
            field = value;
        }
    } = CacheFormat.Float32;

    /// <summary>Whether passes that record keep of each block what it gives alone, and make the rest again in the backward: less memory, a third more time,
    /// the same bits.</summary>
    public bool RecomputesBlocks
    {
        get => Reader.RecomputesBlocks;
        set
        {
            foreach (Stack stack in Stacks)
                stack.RecomputesBlocks = value;
        }
    }

    private protected virtual IEnumerable<Stack> Stacks => [Reader];

    /// <summary>The family of the files that it or its config was read from, which it is written as again where that family can still say it; else null.</summary>
    public string? Origin { get; set; }

    /// <summary>How its makers would have its texts drawn where nobody says otherwise; files keep it.</summary>
    public SamplingDefaults Sampling { get; set; } = SamplingDefaults.None;

    /// <summary>Draws the first weights: normal with deviation 1/√d, smaller where a branch joins the residual stream; gains 1, biases 0;
    /// the gain before a decoder's head, and before one for masked tokens, so small that the first loss is ln V.</summary>
    /// <remarks>
    /// With a last gain of 1 and a tied head the first logits have a deviation of 2, and the first loss is 2 nats more; at the common rate a small gain
    /// holds a model back, so it learns faster. A fixed deviation of 0.02 suits widths near 2,000; at width 128 attention starts so flat that a model
    /// takes long to learn to look back (docs/log.md).
    /// </remarks>
    public void Initialize(ulong seed) => FirstValue.Draw(Parameters, seed);

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        Parameters.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected void CheckIds(ReadOnlySpan<int> ids, string model)
    {
        int vocabulary = AnyConfig.VocabularySize;
        foreach (int id in ids)
            Require.That((uint)id < (uint)vocabulary, $"{model}: id {id} is not in the vocabulary of {vocabulary}");
    }
}
