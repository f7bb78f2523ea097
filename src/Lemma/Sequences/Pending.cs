#pragma warning disable
using Lemma.Tensors;
using Lemma.Formulas;
namespace Lemma.Sequences;
internal sealed class CrossPages : LayerState { public static CrossPages Make(Tape tape, HeadColumns key, HeadColumns value, int firstRow, int count, AttentionHeads heads) => throw new NotImplementedException(); public override long Bytes => 0; public override void Truncate(int l) { } public override LayerState Fork() => this; public override void Dispose() { } }
internal static class PendingSequenceAttention
{
    internal static Tensor Attention(this Tape tape, HeadColumns query, HeadColumns key, HeadColumns value, in Rows rows, AttentionHeads heads, int layer, AttentionTerms terms = default) => SequenceAttention.Attention(tape, query.Tensor, rows, heads, layer);
    internal static Tensor CrossAttention(this Tape tape, HeadColumns query, in Rows rows, AttentionHeads heads, int layer) => throw new NotImplementedException();
}
