using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Sequences;

/// <summary>The keys and values that cross attention makes of an encoder's rows: written once, kept as long as the state.</summary>
internal sealed class CrossPages : LayerState
{
    private CrossPages(KeyValuePages pages, int count) => (Pages, Count) = (pages, count);

    /// <summary>Where they lie.</summary>
    public KeyValuePages Pages { get; }

    /// <summary>Rows of the encoder.</summary>
    public int Count { get; }

    public override long Bytes => Pages.Bytes;

    public override long BytesAt(int length, CacheFormat format) => Bytes;

    /// <summary>Those of some of the encoder's rows.</summary>
    public static CrossPages Make(Tape tape, HeadColumns key, HeadColumns value, int firstRow, int count, AttentionHeads heads, KeyValuePageShape shape)
    {
        KeyValuePages pages = new(shape);
        SequenceAttention.Fill(tape, pages, key, value, firstRow, count, heads);
        return new CrossPages(pages, count);
    }

    public override void CountIn(ByteCounter counter) => Pages.CountIn(counter);

    // The encoder's rows do not change when the target is cut.
    public override void Truncate(int length) { }

    public override LayerState Fork() => new CrossPages((KeyValuePages)Pages.Fork(), Count);

    public override void Dispose() => Pages.Dispose();
}
