using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Sequences;

/// <summary>Attention over rows: of whole sequences by <see cref="Ops"/>, of sequences with states over their pages, with the same bits.</summary>
internal static unsafe class SequenceAttention
{
    // Lines of queries and their heads in a part: some panels of the tile.
    private const int LinesAPart = 96;
    private const int PartSize = 4;

    private readonly record struct PageJob(nint Input, nint Output, AttentionHeads Heads, Rows Rows, int Layer, ReadOnlyMemory<int> Offsets,
        ReadOnlyMemory<int> Parts)
    {
        public KeyValuePages Pages(int sequence) => (KeyValuePages)Rows.States.Span[sequence].Layer(Layer);

        public int Start(int sequence) => Rows.States.Span[sequence].Length;
    }

    /// <summary>softmax(Q·Kᵀ/√d_h + mask)·V; x: [rows, (H + 2·H_kv)·d_h], keys and values of rows with states are kept there.</summary>
    /// <remarks>With states it has no backward.</remarks>
    public static Tensor Attention(this Tape tape, Tensor x, in Rows rows, AttentionHeads heads, int layer)
    {
        if (rows.States.IsEmpty)
            return tape.Attention(x, rows.Lengths, heads);
        heads.Validate();
        Require.That(heads.Causal, $"attention: a sequence that goes on must be causal");
        Require.That(x.Shape.Columns == heads.RowWidth, $"attention: rows of {x.Shape} must hold {heads.RowWidth} elements");
        ReadOnlySpan<int> lengths = rows.Lengths.Span;
        ReadOnlyMemory<int> offsets = Ops.Offsets(tape, lengths, x.Shape.Rows);
        for (int sequence = 0; sequence < lengths.Length; sequence++)
        {
            SequenceState state = rows.States.Span[sequence];
            ((KeyValuePages)state.Layer(layer)).Prepare(state.Length, checked(state.Length + lengths[sequence]));
        }
        Tensor y = tape.New(new Shape(x.Shape.Rows, heads.Heads * heads.HeadWidth));
        PageJob job = new((nint)tape.Pointer(x), (nint)tape.Pointer(y), heads, rows, layer, offsets, Parts(tape, lengths, heads));
        tape.Workers.Run(lengths.Length * heads.KeyValueHeads, job, static (in job, index) =>
            Append(job, index / job.Heads.KeyValueHeads, index % job.Heads.KeyValueHeads));
        tape.Workers.Run(job.Parts.Length / PartSize, job, static (in job, index) =>
        {
            ReadOnlySpan<int> part = job.Parts.Span.Slice(index * PartSize, PartSize);
            Forward(job, part[0], part[1], part[2], part[3]);
        });
        tape.RecordStop("attention of a sequence that goes on", y);
        return y;
    }

    private static void Append(in PageJob job, int sequence, int keyHead)
    {
        AttentionHeads heads = job.Heads;
        KeyValuePages pages = job.Pages(sequence);
        ReadOnlySpan<nint> addresses = pages.Addresses.Span;
        int d = heads.HeadWidth, start = job.Start(sequence), first = job.Offsets.Span[sequence], count = job.Offsets.Span[sequence + 1] - first;
        for (int i = 0; i < count; i++)
        {
            float* row = (float*)job.Input + (nint)(first + i) * heads.RowWidth + (heads.Heads + keyHead) * d;
            float* head = (float*)addresses[(start + i) / PagedAttention.Block] + (nint)keyHead * pages.Shape.HeadElements;
            PagedAttention.Append(pages.Shape, head, start + i, new ReadOnlySpan<float>(row, d), new ReadOnlySpan<float>(row + heads.KeyValueHeads * d, d));
        }
    }

    private static void Forward(in PageJob job, int sequence, int keyHead, int firstQuery, int queries)
    {
        AttentionHeads heads = job.Heads;
        KeyValuePages pages = job.Pages(sequence);
        int d = heads.HeadWidth, group = heads.Heads / heads.KeyValueHeads;
        nint row = job.Offsets.Span[sequence] + firstQuery;
        PagedAttention.Forward(heads.Shape(queries, job.Start(sequence) + firstQuery + queries), new PagedHead(
            (nint)((float*)job.Input + row * heads.RowWidth + (nint)keyHead * group * d), heads.RowWidth,
            (nint)((float*)job.Output + row * heads.Heads * d + (nint)keyHead * group * d), heads.Heads * d, pages.Addresses,
            keyHead * pages.Shape.HeadElements));
    }

    // (sequence, key/value head, first query, queries); later queries see more and come first.
    private static ReadOnlyMemory<int> Parts(Tape tape, ReadOnlySpan<int> lengths, in AttentionHeads heads)
    {
        int each = Math.Max(1, LinesAPart / (heads.Heads / heads.KeyValueHeads)), count = 0;
        foreach (int length in lengths)
            count += (length + each - 1) / each * heads.KeyValueHeads;
        Memory<int> parts = tape.TakeIntegers(count * PartSize);
        Span<int> next = parts.Span;
        for (int sequence = 0; sequence < lengths.Length; sequence++)
        {
            for (int first = (lengths[sequence] - 1) / each * each; first >= 0; first -= each)
            {
                for (int keyHead = 0; keyHead < heads.KeyValueHeads; keyHead++)
                {
                    ((ReadOnlySpan<int>)[sequence, keyHead, first, Math.Min(each, lengths[sequence] - first)]).CopyTo(next);
                    next = next[PartSize..];
                }
            }
        }
        return parts;
    }
}
