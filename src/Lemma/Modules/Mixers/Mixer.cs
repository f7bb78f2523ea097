using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Modules;

/// <summary>What moves between the positions of a sequence, and what it keeps of one.</summary>
internal abstract class Mixer
{
    /// <summary>[rows, d] to [rows, d].</summary>
    public abstract Tensor Apply(Tape tape, Tensor x, in Pass pass);

    /// <summary>What one sequence keeps here between passes, its keys and values in a format.</summary>
    public abstract LayerState NewState(CacheFormat format);

    /// <summary>Attention over the rows of a pass, which an observer sees.</summary>
    protected static Tensor Attend(Tape tape, HeadColumns query, HeadColumns key, HeadColumns value, in Pass pass, AttentionHeads heads,
        AttentionTerms terms = default)
    {
        Tensor y = tape.Attention(query, key, value, pass.Rows, heads, pass.Layer, terms);
        pass.Observer?.Attention(tape, pass.Layer, new ObservedAttention(query, key, value, pass.Rows.Lengths, heads, terms, y));
        return y;
    }
}
