using Lemma.Formulas;

namespace Lemma.Tensors;

/// <summary>The heads of an attention and what a query may see.</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key and value heads; divides the query heads.</param>
/// <param name="HeadWidth">The width of a head.</param>
/// <param name="Causal">Whether a query sees no later position.</param>
/// <param name="Window">How many positions back a query sees, itself included; 0 for all.</param>
public readonly record struct AttentionHeads(int Heads, int KeyValueHeads, int HeadWidth, bool Causal = true, int Window = 0)
{
    /// <summary>V.</summary>
    public int ValueWidth { get; init; } = HeadWidth;
    /// <summary>S.</summary>
    public float? Scale { get; init; }
    /// <summary>Checks the sizes; the error names the rule and the values.</summary>
    public AttentionHeads Validate()
    {
        Require.That(Heads > 0 && KeyValueHeads > 0 && HeadWidth > 0,
            $"attention: sizes must be positive, but heads {Heads}, key/value heads {KeyValueHeads}, head width {HeadWidth}");
        Require.That(Heads % KeyValueHeads == 0, $"attention: {KeyValueHeads} key/value heads do not divide {Heads} heads");
        Require.That(Window >= 0, $"attention: the window must not be negative, but it is {Window}");
        return this;
    }

    /// <summary>Elements of a row of queries, keys and values together.</summary>
    public int RowWidth => (Heads + 2 * KeyValueHeads) * HeadWidth;

    /// <summary>The shape of one key/value head's work.</summary>
    internal AttentionShape Shape(int queries, int keys) =>
        new(queries, keys, HeadWidth, HeadWidth, Heads / KeyValueHeads, Causal, Window, (float)(1 / Math.Sqrt(HeadWidth)));
}

public static unsafe partial class Ops
{
    // Queries of a part of the forward: one long sequence of one head keeps all threads busy, and packing its keys again costs little.
    private const int QueriesAPart = 504;

    private readonly record struct AttentionJob(nint Input, nint Output, nint Logs, nint Up, nint Gradient, AttentionHeads Heads, ReadOnlyMemory<int> Offsets)
    {
        // Some queries of some query heads, which share one key/value head.
        public (AttentionShape Shape, AttentionHead Head) Of(int sequence, int firstHead, int group, int firstQuery, int queries)
        {
            int d = Heads.HeadWidth, keyHead = firstHead / (Heads.Heads / Heads.KeyValueHeads);
            int row = Offsets.Span[sequence], length = Offsets.Span[sequence + 1] - row;
            int keys = queries < length ? firstQuery + queries : length;
            float* rows = (float*)Input + (nint)row * Heads.RowWidth;
            float* outputs = (float*)Output + (nint)(row + firstQuery) * Heads.Heads * d;
            float* logs = (float*)Logs + (nint)row * Heads.Heads + (nint)firstHead * length + firstQuery;
            return (Heads.Shape(queries, keys) with { Group = group }, new AttentionHead(
                (nint)(rows + (nint)firstQuery * Heads.RowWidth + firstHead * d), Heads.RowWidth, (nint)(rows + (Heads.Heads + keyHead) * d),
                (nint)(rows + (Heads.Heads + Heads.KeyValueHeads + keyHead) * d), Heads.RowWidth, Heads.RowWidth,
                (nint)(outputs + firstHead * d), Heads.Heads * d, (nint)logs, keys));
        }

        public AttentionHeadGradient Gradients(in AttentionHead head) => new(Up + (head.Output - Output),
            Gradient + (head.Query - Input), Gradient + (head.Key - Input), Gradient + (head.Value - Input));
    }

    /// <summary>softmax(Q·Kᵀ/√d_h + mask)·V within each sequence and head; rows hold queries, keys and values side by side.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, (H + 2·H_kv)·d_h], sequence after sequence.</param>
    /// <param name="lengths">The rows of each sequence; a sequence sees itself alone.</param>
    /// <param name="heads">The heads.</param>
    /// <returns>[rows, H·d_h].</returns>
    public static Tensor Attention(this Tape tape, Tensor x, ReadOnlyMemory<int> lengths, AttentionHeads heads)
    {
        heads.Validate();
        Require.That(x.Shape.Columns == heads.RowWidth, $"attention: rows of {x.Shape} must hold {heads.RowWidth} elements");
        ReadOnlyMemory<int> offsets = Offsets(tape, lengths.Span, x.Shape.Rows);
        Tensor y = tape.New(new Shape(x.Shape.Rows, heads.Heads * heads.HeadWidth)), logs = tape.New(new Shape(heads.Heads, x.Shape.Rows));
        AttentionJob job = new((nint)tape.Pointer(x), (nint)tape.Pointer(y), (nint)tape.Pointer(logs), 0, 0, heads, offsets);
        ReadOnlyMemory<int> parts = Parts(tape, lengths.Span, heads);
        tape.Workers.Run(parts.Length / PartSize, (job, parts), static (in s, index) =>
        {
            ReadOnlySpan<int> part = s.parts.Span.Slice(index * PartSize, PartSize);
            (AttentionShape shape, AttentionHead head) = s.job.Of(part[0], part[1], part[2], part[3], part[4]);
            Formulas.Attention.Forward(shape, head);
        });
        tape.Record((x, y, logs, heads, offsets), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.x);
            AttentionJob job = new((nint)tape.Pointer(s.x), (nint)tape.Pointer(s.y), (nint)tape.Pointer(s.logs), (nint)tape.OutputGradient(s.y),
                (nint)tape.OutputGradient(s.x), s.heads, s.offsets);
            tape.Workers.Run((s.offsets.Length - 1) * s.heads.KeyValueHeads, job, static (in job, index) =>
            {
                (int sequence, int keyHead) = (index / job.Heads.KeyValueHeads, index % job.Heads.KeyValueHeads);
                int group = job.Heads.Heads / job.Heads.KeyValueHeads, length = job.Offsets.Span[sequence + 1] - job.Offsets.Span[sequence];
                (AttentionShape shape, AttentionHead head) = job.Of(sequence, keyHead * group, group, 0, length);
                AttentionGradient.Backward(shape, head, job.Gradients(head));
            });
        });
        return y;
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

    private const int PartSize = 5;

    // (sequence, first head, heads, first query, queries): what shares keys is one part; a long causal sequence is cut, the longest part first.
    private static ReadOnlyMemory<int> Parts(Tape tape, ReadOnlySpan<int> lengths, in AttentionHeads heads)
    {
        int count = 0, group = heads.Heads / heads.KeyValueHeads;
        bool mayCut = heads.Causal;
        foreach (int length in lengths)
            count += mayCut && length > QueriesAPart ? heads.Heads * ((length + QueriesAPart - 1) / QueriesAPart) : heads.KeyValueHeads;
        Memory<int> parts = tape.TakeIntegers(count * PartSize);
        Span<int> next = parts.Span;
        for (int sequence = 0; sequence < lengths.Length; sequence++)
        {
            int length = lengths[sequence];
            bool isCut = mayCut && length > QueriesAPart;
            for (int first = isCut ? (length - 1) / QueriesAPart * QueriesAPart : 0; first >= 0; first -= QueriesAPart)
            {
                for (int head = 0; head < heads.Heads; head += isCut ? 1 : group)
                {
                    ((ReadOnlySpan<int>)[sequence, head, isCut ? 1 : group, first, isCut ? Math.Min(QueriesAPart, length - first) : length]).CopyTo(next);
                    next = next[PartSize..];
                }
            }
        }
        return parts;
    }
}
