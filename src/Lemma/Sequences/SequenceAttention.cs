using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Sequences;

/// <summary>Attention over rows: of whole sequences by <see cref="Ops"/>, of sequences with states over their pages, with the same bits.</summary>
internal static unsafe class SequenceAttention
{
    private readonly record struct PageJob(HeadPlaces Places, nint Output, AttentionHeads Heads, Rows Rows, int Layer,
        ReadOnlyMemory<int> Offsets, ReadOnlyMemory<int> Parts, TermPlaces Terms)
    {
        // [H·d_v] and [H] a row: outputs and logs of a part of a softmax that joins another, and the logs of the outputs, where the pattern has such parts.
        public nint Other { get; init; }

        public nint OtherLogs { get; init; }

        public nint Logs { get; init; }

        public LayerState State(int sequence) => Rows.States.Span[sequence].Layer(Layer);

        public int Start(int sequence) => Rows.States.Span[sequence].Length;

        public int Prefix(int sequence) => Rows.Prefixes.IsEmpty ? 0 : Rows.Prefixes.Span[sequence];
    }

    /// <summary>softmax(Q·Kᵀ·s + mask)·V; keys and values of rows with states are kept there.</summary>
    /// <remarks>With states it has no backward.</remarks>
    public static Tensor Attention(this Tape tape, HeadColumns query, HeadColumns key, HeadColumns value, in Rows rows, AttentionHeads heads, int layer,
        AttentionTerms terms = default)
    {
        if (rows.States.IsEmpty)
            return tape.Attention(query, key, value, rows.Lengths, rows.Lengths, heads, terms, rows.Prefixes);
        Ops.CheckColumns(query, key, value, heads);
        Require.That(heads.Causal, $"attention: a sequence that goes on must be causal");
        Require.That(heads.Pattern is not DualChunk || !rows.Prefixes.Span.ContainsAnyExcept(0), $"attention: sequences in chunks have no prefixes");
        ReadOnlySpan<int> lengths = rows.Lengths.Span;
        int longest = 0;
        for (int sequence = 0; sequence < lengths.Length; sequence++)
        {
            SequenceState state = rows.States.Span[sequence];
            int length = checked(state.Length + lengths[sequence]);
            ((KeyValuePages)state.Layer(layer)).Prepare(state.Length, length);
            longest = Math.Max(longest, length);
        }
        terms.Validate(heads, longest);
        Tensor y = tape.New(new Shape(query.Tensor.Shape.Rows, heads.Heads * heads.ValueWidth));
        PageJob job = Job(tape, query, key, value, y, rows, heads, layer, terms);
        tape.Workers.Run(lengths.Length * heads.KeyValueHeads, job, static (in job, index) =>
            Append(job, index / job.Heads.KeyValueHeads, index % job.Heads.KeyValueHeads));
        Arena.Mark mark = tape.Scratch.Here;
        if (heads.Pattern is DualChunk)
        {
            long logs = (long)y.Shape.Rows * heads.Heads;
            job = job with
            {
                Other = (nint)tape.Scratch.Take(y.Shape.Count),
                OtherLogs = (nint)tape.Scratch.Take(logs),
                Logs = (nint)tape.Scratch.Take(logs),
            };
        }
        Run(tape, job);
        tape.Scratch.Rewind(mark);
        tape.RecordStop("attention of a sequence that goes on", y);
        return y;
    }

    /// <summary>Attention of queries to what an encoder left in the states; every query sees all of it.</summary>
    public static Tensor CrossAttention(this Tape tape, HeadColumns query, in Rows rows, AttentionHeads heads, int layer)
    {
        heads.Validate();
        Tensor y = tape.New(new Shape(query.Tensor.Shape.Rows, heads.Heads * heads.ValueWidth));
        Run(tape, Job(tape, query, query, query, y, rows, heads with { Causal = false, Window = 0 }, layer, default));
        tape.RecordStop("attention to the rows of an encoder in a state", y);
        return y;
    }

    /// <summary>Writes keys and values of some rows into pages, from position 0 on.</summary>
    internal static void Fill(Tape tape, KeyValuePages pages, HeadColumns key, HeadColumns value, int firstRow, int count, AttentionHeads heads)
    {
        pages.Prepare(0, count);
        for (int head = 0; head < heads.KeyValueHeads; head++)
        {
            Append(pages, heads, head, 0, count, tape.Pointer(key.Tensor) + key.First + (nint)firstRow * key.Tensor.Shape.Columns, key.Tensor.Shape.Columns,
                tape.Pointer(value.Tensor) + value.First + (nint)firstRow * value.Tensor.Shape.Columns, value.Tensor.Shape.Columns);
        }
    }

    private static PageJob Job(Tape tape, in HeadColumns query, in HeadColumns key, in HeadColumns value, Tensor y, in Rows rows, in AttentionHeads heads,
        int layer, in AttentionTerms terms) => new(HeadPlaces.Of(tape, query, key, value), (nint)tape.Pointer(y), heads, rows, layer,
            Ops.Offsets(tape, rows.Lengths.Span, query.Tensor.Shape.Rows),
            AttentionPart.Lines(tape, rows.Lengths.Span, heads),
            TermPlaces.Of(tape, terms));

    private static void Run(Tape tape, in PageJob job) => tape.Workers.Run(AttentionPart.All(job.Parts).Length, job,
        static (in job, index) => Forward(job, AttentionPart.All(job.Parts)[index]));

    private static void Append(in PageJob job, int sequence, int keyHead)
    {
        nint first = job.Offsets.Span[sequence];
        int count = job.Offsets.Span[sequence + 1] - (int)first;
        HeadPlaces places = job.Places;
        Append((KeyValuePages)job.State(sequence), job.Heads, keyHead, job.Start(sequence), count, (float*)places.Key + first * places.KeyStride,
            places.KeyStride, (float*)places.Value + first * places.ValueStride, places.ValueStride);
    }

    private static void Append(KeyValuePages pages, in AttentionHeads heads, int keyHead, int start, int count, float* keys, nint keyStride, float* values,
        nint valueStride)
    {
        ReadOnlySpan<nint> addresses = pages.Addresses.Span;
        for (int i = 0; i < count; i++)
        {
            float* head = (float*)addresses[(start + i) / PagedAttention.Block] + (nint)keyHead * pages.Shape.HeadElements;
            PageWriter.Append(pages.Shape, head, start + i, new ReadOnlySpan<float>(keys + i * keyStride + keyHead * heads.HeadWidth, heads.HeadWidth),
                new ReadOnlySpan<float>(values + i * valueStride + keyHead * heads.ValueWidth, heads.ValueWidth));
        }
    }

    private static void Forward(in PageJob job, in AttentionPart part)
    {
        AttentionHeads heads = job.Heads;
        LayerState state = job.State(part.Sequence);
        CrossPages? cross = state as CrossPages;
        KeyValuePages pages = cross?.Pages ?? (KeyValuePages)state;
        int position = job.Start(part.Sequence) + part.FirstQuery, prefix = job.Prefix(part.Sequence);
        int keys = cross?.Count ?? Math.Max(position + part.Queries, prefix);
        nint row = job.Offsets.Span[part.Sequence] + part.FirstQuery;
        AttentionShape shape = heads.Shape(part.FirstHead, part.Group, position, part.Queries, keys) with { Prefix = prefix };
        PagedHead head = new((nint)((float*)job.Places.Query + row * job.Places.QueryStride + (nint)part.FirstHead * heads.HeadWidth), job.Places.QueryStride,
            (nint)((float*)job.Output + (row * heads.Heads + part.FirstHead) * heads.ValueWidth), heads.Heads * heads.ValueWidth, pages.Addresses,
            part.FirstHead / heads.Group * pages.Shape.HeadElements, pages.Shape.Format);
        if (heads.Pattern is DualChunk chunks)
            ForwardInChunks(job, part, position, shape, head, chunks);
        else if (heads.Pattern is BlockSparse sparse)
            PagedAttention.Forward(shape, head, sparse.Scores(heads.Causal, keys, job.Terms.For(part.FirstHead, position)));
        else if (job.Terms.IsPlain)
            PagedAttention.Forward(shape, head);
        else
            PagedAttention.Forward(shape, head, job.Terms.For(part.FirstHead, position));
    }

    private static void ForwardInChunks(in PageJob job, in AttentionPart part, int position, in AttentionShape shape, in PagedHead head, DualChunk chunks)
    {
        int width = job.Heads.ValueWidth;
        nint formColumns = job.Heads.Heads * job.Heads.HeadWidth;
        // A part is of one head, and logs of a head lie together.
        nint rows = job.Offsets.Span[^1], line = part.FirstHead * rows + job.Offsets.Span[part.Sequence] + part.FirstQuery;
        foreach (ChunkForm form in new ChunkForms(chunks, position, position + part.Queries))
        {
            nint first = form.FirstQuery - position;
            float* output = (float*)head.Output + first * head.OutputStride, other = (float*)job.Other + (output - (float*)job.Output);
            float* logs = (float*)job.Logs + line + first, otherLogs = (float*)job.OtherLogs + line + first;
            PagedAttention.Forward(form.Of(shape), head with
            {
                Query = (nint)((float*)head.Query + first * head.QueryStride + form.Form * formColumns),
                Output = (nint)(form.Form == 0 ? output : other),
                Logs = (nint)(form.Form == 0 ? logs : otherLogs),
            });
            for (int i = 0; i < form.Queries && form.Form > 0; i++)
            {
                DualChunkAttention.Join(new Span<float>(output + i * head.OutputStride, width), ref logs[i],
                    new ReadOnlySpan<float>(other + i * head.OutputStride, width), otherLogs[i]);
            }
        }
    }
}
