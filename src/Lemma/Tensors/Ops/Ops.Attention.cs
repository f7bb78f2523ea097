using Lemma.Compute;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>softmax(Q·Kᵀ/√d_h + mask)·V within each sequence and head; rows hold queries, keys and values side by side.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, (H + 2·H_kv)·d_h], sequence after sequence.</param>
    /// <param name="lengths">The rows of each sequence; a sequence sees itself alone.</param>
    /// <param name="heads">The heads.</param>
    /// <returns>[rows, H·d_h].</returns>
    public static Tensor Attention(this Tape tape, Tensor x, ReadOnlyMemory<int> lengths, AttentionHeads heads)
    {
        Require.That(x.Shape.Columns == heads.Validate().RowWidth, $"attention: rows of {x.Shape} must hold {heads.RowWidth} elements");
        int queries = heads.Heads * heads.HeadWidth, keys = heads.KeyValueHeads * heads.HeadWidth;
        return tape.Attention(new HeadColumns(x, 0), new HeadColumns(x, queries), new HeadColumns(x, queries + keys), lengths, lengths, heads);
    }

    /// <summary>softmax(Q·Kᵀ·s + mask)·V within each sequence and head, with queries, keys and values anywhere.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="query">H heads of d_h columns; in as many forms as the pattern of the heads needs.</param>
    /// <param name="key">H_kv heads of d_h columns; it may share a tensor with the others.</param>
    /// <param name="value">H_kv heads of d_v columns.</param>
    /// <param name="queryLengths">The rows of each sequence of queries.</param>
    /// <param name="keyLengths">The rows of each sequence of keys and values; the same where attention is causal.</param>
    /// <param name="heads">The heads.</param>
    /// <param name="terms">What is done to the scores.</param>
    /// <param name="prefixes">How many first positions of each sequence all of it sees; empty for none.</param>
    /// <returns>[rows of queries, H·d_v].</returns>
    public static Tensor Attention(this Tape tape, HeadColumns query, HeadColumns key, HeadColumns value, ReadOnlyMemory<int> queryLengths,
        ReadOnlyMemory<int> keyLengths, AttentionHeads heads, AttentionTerms terms = default, ReadOnlyMemory<int> prefixes = default)
    {
        CheckColumns(query, key, value, heads);
        Require.That(key.Tensor.Shape.Rows == value.Tensor.Shape.Rows,
            $"attention: keys {key.Tensor.Shape} and values {value.Tensor.Shape} must have the same rows");
        Require.That(queryLengths.Length == keyLengths.Length, $"attention: {queryLengths.Length} sequences of queries do not fit {keyLengths.Length} of keys");
        Require.That(!heads.Causal || queryLengths.Span.SequenceEqual(keyLengths.Span), $"attention: causal queries and keys must have the same lengths");
        Require.That(heads.Pattern is not DualChunk || !prefixes.Span.ContainsAnyExcept(0), $"attention: sequences in chunks have no prefixes");
        Require.That(prefixes.IsEmpty || prefixes.Length == queryLengths.Length, $"attention: {prefixes.Length} prefixes for {queryLengths.Length} sequences");
        ReadOnlyMemory<int> queries = Offsets(tape, queryLengths.Span, query.Tensor.Shape.Rows), keys = Offsets(tape, keyLengths.Span, key.Tensor.Shape.Rows);
        int longest = 0;
        for (int i = 0; i < queryLengths.Length; i++)
            longest = Math.Max(longest, Math.Max(queryLengths.Span[i], keyLengths.Span[i]));
        terms.Validate(heads, longest);
        int rows = query.Tensor.Shape.Rows;
        Tensor y = tape.New(new Shape(rows, heads.Heads * heads.ValueWidth)), logs = tape.New(new Shape(heads.Heads, rows));
        AttentionJob job = new(HeadPlaces.Of(tape, query, key, value), (nint)tape.Pointer(y), (nint)tape.Pointer(logs), heads, queries, keys, prefixes,
            TermPlaces.Of(tape, terms));
        ReadOnlyMemory<int> parts = AttentionPart.Forward(tape, queries.Span, heads);
        tape.Workers.Counter?.Attention(AttentionPairs.ForwardOperations(heads, queryLengths.Span, keyLengths.Span));
        Arena.Mark mark = tape.Scratch.Here;
        AttentionJob forward = heads.Pattern is not DualChunk ? job : job with
        {
            Other = (nint)tape.Scratch.Take(y.Shape.Count),
            OtherLogs = (nint)tape.Scratch.Take(logs.Shape.Count),
        };
        tape.Workers.Run(AttentionPart.All(parts).Length, (forward, parts), static (in s, index) => s.forward.Forward(AttentionPart.All(s.parts)[index]));
        tape.Scratch.Rewind(mark);
        tape.Record((query, key, value, y, job, terms), static (tape, in s) =>
        {
            if (tape.HasGradient(s.y))
                AttentionBackward(tape, s.query, s.key, s.value, s.job with { Up = (nint)tape.OutputGradient(s.y) }, s.terms);
        });
        return y;
    }

    private static void AttentionBackward(Tape tape, in HeadColumns query, in HeadColumns key, in HeadColumns value, AttentionJob job, in AttentionTerms terms)
    {
        foreach (Tensor tensor in (ReadOnlySpan<Tensor>)[query.Tensor, key.Tensor, value.Tensor])
            tape.Gradient(tensor);
        tape.Workers.Counter?.Attention(AttentionPairs.BackwardOperations(job.Heads, job.Queries.Span, job.Keys.Span));
        ReadOnlyMemory<int> parts = AttentionPart.Backward(tape, job.Queries.Span, job, out int partialRows, out int termRows);
        Arena.Mark mark = tape.Scratch.Here;
        // What several parts add to has sums of theirs, added in the order of the parts: the bits do not depend on the threads.
        job = job with
        {
            Gradients = HeadPlaces.GradientsOf(tape, query, key, value),
            Partials = partialRows == 0 ? 0 : (nint)tape.Scratch.Take((long)partialRows * (job.Heads.HeadWidth + job.Heads.ValueWidth)),
            TermGradients = (terms.Bias is null ? 0 : (nint)TakeZeros(tape, termRows, job.Terms.BiasWidth), terms.Sinks is null ? 0
                : (nint)TakeZeros(tape, termRows, 1)),
        };
        tape.Workers.Run(AttentionPart.All(parts).Length, (job, parts), static (in s, index) => s.job.Backward(AttentionPart.All(s.parts)[index]));
        foreach (AttentionPart part in AttentionPart.All(parts))
        {
            if (part.Partial >= 0)
            {
                tape.Workers.Rows(job.KeysOf(part), Workers.RowsFor(job.Heads.HeadWidth + job.Heads.ValueWidth), (job, part),
                    static (in s, first, count) => s.job.AddPartial(s.part, first, count));
            }
            for (int h = 0; h < part.Group; h++)
            {
                if (terms.Bias is { } bias)
                    AddRow(tape, (float*)job.TermGradients.Bias, part.TermRow + h, tape.Gradient(bias), part.FirstHead + h, job.Terms.BiasWidth);
                if (terms.Sinks is { } sinks)
                    AddRow(tape, (float*)job.TermGradients.Sinks, part.TermRow + h, tape.Gradient(sinks), part.FirstHead + h, 1);
            }
        }
        tape.Scratch.Rewind(mark);

        static void AddRow(Tape tape, float* from, int row, Span<float> to, int head, int width)
        {
            if (tape.Counts)
                return;
            Span<float> sum = to.Slice(head * width, width);
            System.Numerics.Tensors.TensorPrimitives.Add(sum, new ReadOnlySpan<float>(from + (nint)row * width, width), sum);
        }
    }

    /// <summary>Refuses columns that do not lie in their tensors.</summary>
    internal static void CheckColumns(in HeadColumns query, in HeadColumns key, in HeadColumns value, in AttentionHeads heads)
    {
        heads.Validate();
        Check("queries", query, heads.QueryColumns);
        Check("keys", key, (long)heads.KeyValueHeads * heads.HeadWidth);
        Check("values", value, (long)heads.KeyValueHeads * heads.ValueWidth);

        static void Check(string what, in HeadColumns columns, long width) => Require.That(columns.First >= 0 && columns.First
            + width <= columns.Tensor.Shape.Columns,
            $"attention: {what} of {width} columns from column {columns.First} on do not fit rows of {columns.Tensor.Shape}");
    }

    /// <summary>Where each sequence begins, and where the last ends.</summary>
    internal static ReadOnlyMemory<int> Offsets(Tape tape, ReadOnlySpan<int> lengths, int rows)
    {
        Memory<int> offsets = tape.TakeIntegers(lengths.Length + 1);
        long sum = 0;
        for (int i = 0; i < lengths.Length; i++)
        {
            Require.That(lengths[i] >= 0 && lengths[i] <= rows - sum, $"attention: lengths must lie in [0, {rows}] and sum to {rows}, but one is {lengths[i]}");
            offsets.Span[i] = (int)sum;
            sum += lengths[i];
        }
        Require.That(sum == rows, $"attention: the lengths of {lengths.Length} sequences sum to {sum}, but there are {rows} rows");
        offsets.Span[^1] = rows;
        return offsets;
    }
}
