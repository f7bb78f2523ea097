using Lemma.Formulas;

namespace Lemma.Tensors;

/// <summary>Heads that lie side by side in the rows of a tensor, from a column on.</summary>
public readonly record struct HeadColumns(Tensor Tensor, int First);

/// <summary>The heads of an attention and what a query may see.</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key and value heads; divides the query heads.</param>
/// <param name="HeadWidth">The width of a head's queries and keys.</param>
/// <param name="Causal">Whether a query sees no later position.</param>
/// <param name="Window">How many positions back a query sees, itself included; 0 for all.</param>
public readonly record struct AttentionHeads(int Heads, int KeyValueHeads, int HeadWidth, bool Causal = true, int Window = 0)
{
    /// <summary>The width of a head's values and outputs.</summary>
    public int ValueWidth { get; init; } = HeadWidth;

    /// <summary>What scores are multiplied with; null for 1/√d_h.</summary>
    public float? Scale { get; init; }

    /// <summary>Checks the sizes; the error names the rule and the values.</summary>
    public AttentionHeads Validate()
    {
        Require.That(Heads > 0 && KeyValueHeads > 0 && HeadWidth > 0 && ValueWidth > 0,
            $"attention: sizes must be positive, but heads {Heads}, key/value heads {KeyValueHeads}, head width {HeadWidth}");
        Require.That(Heads % KeyValueHeads == 0, $"attention: {KeyValueHeads} key/value heads do not divide {Heads} heads");
        Require.That(Window >= 0, $"attention: the window must not be negative, but it is {Window}");
        Require.That(Scale is null or > 0, $"attention: the scale must be positive, but it is {Scale}");
        return this;
    }

    /// <summary>Elements of a row of queries, keys and values together.</summary>
    public int RowWidth => (Heads + 2 * KeyValueHeads) * HeadWidth;

    /// <summary>Query heads that share a key/value head.</summary>
    internal int Group => Heads / KeyValueHeads;

    /// <summary>The shape of one key/value head's work.</summary>
    internal AttentionShape Shape(int queries, int keys) =>
        new(queries, keys, HeadWidth, ValueWidth, Group, Causal, Window, Scale ?? (float)(1 / Math.Sqrt(HeadWidth)));
}

/// <summary>What is done to scores before their softmax: s ↦ c·tanh(s/c) + b(key − query), and a sink e^σ in each sum.</summary>
/// <param name="Cap">c; 0 for none.</param>
/// <param name="Bias">[H, distances]: b, the same for all sequences; it must reach every distance of the longest sequence.</param>
/// <param name="BiasZero">The column of distance 0.</param>
/// <param name="Sinks">[H]: σ.</param>
public readonly record struct AttentionTerms(float Cap = 0, Tensor? Bias = null, int BiasZero = 0, Tensor? Sinks = null)
{
    /// <summary>Whether scores stay as they are.</summary>
    internal bool IsPlain => Cap == 0 && Bias is null && Sinks is null;

    internal void Validate(in AttentionHeads heads, int longest)
    {
        Require.That(Cap >= 0, $"attention: the cap must not be negative, but it is {Cap}");
        Require.That(Sinks is null || Sinks.Value.Shape.Count == heads.Heads, $"attention: sinks {Sinks?.Shape} do not fit {heads.Heads} heads");
        Require.That(Bias is null || (Bias.Value.Shape.Rows == heads.Heads && BiasZero >= longest - 1 && Bias.Value.Shape.Columns - BiasZero >= longest),
            $"attention: a bias {Bias?.Shape} with distance 0 in column {BiasZero} does not reach {longest} positions of {heads.Heads} heads");
    }
}

public static unsafe partial class Ops
{
    // Queries of a part of the forward: one long sequence of one head keeps all threads busy, and packing its keys again costs little.
    private const int QueriesAPart = 504;

    /// <summary>Where the score terms of all heads lie.</summary>
    internal readonly record struct TermPlaces(bool IsPlain, float Cap, nint Bias, int BiasWidth, int BiasZero, nint Sinks)
    {
        public static TermPlaces Of(Tape tape, in AttentionTerms terms) => new(terms.IsPlain, terms.Cap,
            terms.Bias is { } bias ? (nint)tape.Pointer(bias) : 0, terms.Bias?.Shape.Columns ?? 0, terms.BiasZero,
            terms.Sinks is { } sinks ? (nint)tape.Pointer(sinks) : 0);

        /// <summary>Those of some heads from a first one on, for queries from a position on.</summary>
        public ScoreTerms For(int firstHead, int offset, nint biasGradient = 0, nint sinkGradient = 0) => new(Cap, offset,
            Bias == 0 ? 0 : (nint)((float*)Bias + (nint)firstHead * BiasWidth + BiasZero), BiasWidth,
            biasGradient == 0 ? 0 : (nint)((float*)biasGradient + (nint)firstHead * BiasWidth + BiasZero),
            Sinks == 0 ? 0 : (nint)((float*)Sinks + firstHead), sinkGradient == 0 ? 0 : (nint)((float*)sinkGradient + firstHead));
    }

    // Addresses and strides of queries, keys and values, or of their gradients.
    private readonly record struct HeadPlaces(nint Query, nint QueryStride, nint Key, nint KeyStride, nint Value, nint ValueStride);

    private readonly record struct AttentionJob(HeadPlaces Places, nint Output, nint Logs, HeadPlaces Gradients, nint Up, AttentionHeads Heads,
        ReadOnlyMemory<int> Queries, ReadOnlyMemory<int> Keys, ReadOnlyMemory<int> Prefixes, TermPlaces Terms)
    {
        // Some queries of some query heads, which share one key/value head.
        public (AttentionShape Shape, AttentionHead Head) Of(int sequence, int firstHead, int group, int firstQuery, int queries)
        {
            int keyHead = firstHead / Heads.Group, row = Queries.Span[sequence], length = Queries.Span[sequence + 1] - row;
            int keyRow = Keys.Span[sequence], keys = Keys.Span[sequence + 1] - keyRow;
            keys = queries < length ? firstQuery + queries : keys;
            AttentionShape shape = Heads.Shape(queries, keys) with { Group = group, Prefix = Prefixes.IsEmpty ? 0 : Prefixes.Span[sequence] };
            float* outputs = (float*)Output + (nint)(row + firstQuery) * Heads.Heads * Heads.ValueWidth;
            float* logs = (float*)Logs + (nint)row * Heads.Heads + (nint)firstHead * length + firstQuery;
            return (shape, new AttentionHead(
                (nint)((float*)Places.Query + (row + firstQuery) * Places.QueryStride + firstHead * Heads.HeadWidth), Places.QueryStride,
                (nint)((float*)Places.Key + keyRow * Places.KeyStride + keyHead * Heads.HeadWidth),
                (nint)((float*)Places.Value + keyRow * Places.ValueStride + keyHead * Heads.ValueWidth), Places.KeyStride, Places.ValueStride,
                (nint)(outputs + firstHead * Heads.ValueWidth), Heads.Heads * Heads.ValueWidth, (nint)logs, keys));
        }

        public AttentionHeadGradient GradientsOf(in AttentionHead head) => new(Up + (head.Output - Output), Gradients.Query + (head.Query - Places.Query),
            Gradients.Key + (head.Key - Places.Key), Gradients.Value + (head.Value - Places.Value));
    }

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
    /// <param name="query">H heads of d_h columns.</param>
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
        Require.That(prefixes.IsEmpty || prefixes.Length == queryLengths.Length, $"attention: {prefixes.Length} prefixes for {queryLengths.Length} sequences");
        ReadOnlyMemory<int> queries = Offsets(tape, queryLengths.Span, query.Tensor.Shape.Rows), keys = Offsets(tape, keyLengths.Span, key.Tensor.Shape.Rows);
        int longest = 0;
        for (int i = 0; i < queryLengths.Length; i++)
            longest = Math.Max(longest, Math.Max(queryLengths.Span[i], keyLengths.Span[i]));
        terms.Validate(heads, longest);
        int rows = query.Tensor.Shape.Rows;
        Tensor y = tape.New(new Shape(rows, heads.Heads * heads.ValueWidth)), logs = tape.New(new Shape(heads.Heads, rows));
        AttentionJob job = new(PlacesOf(tape, query, key, value), (nint)tape.Pointer(y), (nint)tape.Pointer(logs), default, 0, heads, queries, keys, prefixes,
            TermPlaces.Of(tape, terms));
        ReadOnlyMemory<int> parts = Parts(tape, queryLengths.Span, heads, heads.Causal && prefixes.IsEmpty);
        tape.Workers.Run(parts.Length / PartSize, (job, parts), static (in s, index) =>
        {
            ReadOnlySpan<int> part = s.parts.Span.Slice(index * PartSize, PartSize);
            (AttentionShape shape, AttentionHead head) = s.job.Of(part[0], part[1], part[2], part[3], part[4]);
            if (s.job.Terms.IsPlain)
                Formulas.Attention.Forward(shape, head);
            else
                Formulas.Attention.Forward(shape, head, s.job.Terms.For(part[1], shape.Causal ? part[3] : 0));
        });
        tape.Record((query, key, value, y, logs, heads, terms, queries, keys, prefixes), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            foreach (Tensor tensor in (ReadOnlySpan<Tensor>)[s.query.Tensor, s.key.Tensor, s.value.Tensor])
                tape.Gradient(tensor);
            AttentionJob job = new(PlacesOf(tape, s.query, s.key, s.value), (nint)tape.Pointer(s.y), (nint)tape.Pointer(s.logs),
                GradientPlacesOf(tape, s.query, s.key, s.value), (nint)tape.OutputGradient(s.y), s.heads, s.queries, s.keys, s.prefixes,
                    TermPlaces.Of(tape, s.terms));
            int sequences = s.queries.Length - 1, biasSize = s.heads.Heads * job.Terms.BiasWidth, sinkSize = s.terms.Sinks is null ? 0 : s.heads.Heads;
            Arena.Mark mark = tape.Scratch.Here;
            // A sequence has sums of its own, added in the order of the sequences: the bits do not depend on the threads.
            nint biases = s.terms.Bias is null ? 0 : (nint)TakeZeros(tape, sequences, biasSize), sinks = sinkSize == 0 ? 0 : (nint)TakeZeros(tape,
                sequences, sinkSize);
            tape.Workers.Run(sequences * s.heads.KeyValueHeads, (job, biases, sinks, biasSize, sinkSize), static (in t, index) =>
            {
                AttentionJob job = t.job;
                (int sequence, int keyHead) = (index / job.Heads.KeyValueHeads, index % job.Heads.KeyValueHeads);
                int group = job.Heads.Group, length = job.Queries.Span[sequence + 1] - job.Queries.Span[sequence];
                (AttentionShape shape, AttentionHead head) = job.Of(sequence, keyHead * group, group, 0, length);
                if (job.Terms.IsPlain)
                    AttentionGradient.Backward(shape, head, job.GradientsOf(head));
                else
                    AttentionGradient.Backward(shape, head, job.GradientsOf(head), job.Terms.For(keyHead * group, 0,
                        t.biases == 0 ? 0 : (nint)((float*)t.biases + (nint)sequence * t.biasSize), t.sinks == 0 ? 0 : (nint)((float*)t.sinks
                            + (nint)sequence * t.sinkSize)));
            });
            if (s.terms.Bias is { } bias)
                AddParts((float*)biases, sequences, tape.Gradient(bias));
            if (s.terms.Sinks is { } sink)
                AddParts((float*)sinks, sequences, tape.Gradient(sink));
            tape.Scratch.Rewind(mark);
        });
        return y;
    }

    /// <summary>Refuses columns that do not lie in their tensors.</summary>
    internal static void CheckColumns(in HeadColumns query, in HeadColumns key, in HeadColumns value, in AttentionHeads heads)
    {
        heads.Validate();
        Check("queries", query, (long)heads.Heads * heads.HeadWidth);
        Check("keys", key, (long)heads.KeyValueHeads * heads.HeadWidth);
        Check("values", value, (long)heads.KeyValueHeads * heads.ValueWidth);

        static void Check(string what, in HeadColumns columns, long width) => Require.That(columns.First >= 0 && columns.First
            + width <= columns.Tensor.Shape.Columns,
            $"attention: {what} of {width} columns from column {columns.First} on do not fit rows of {columns.Tensor.Shape}");
    }

    private static HeadPlaces PlacesOf(Tape tape, in HeadColumns query, in HeadColumns key, in HeadColumns value) => new(
        (nint)(tape.Pointer(query.Tensor) + query.First), query.Tensor.Shape.Columns, (nint)(tape.Pointer(key.Tensor) + key.First), key.Tensor.Shape.Columns,
        (nint)(tape.Pointer(value.Tensor) + value.First), value.Tensor.Shape.Columns);

    private static HeadPlaces GradientPlacesOf(Tape tape, in HeadColumns query, in HeadColumns key, in HeadColumns value) => new(
        (nint)(tape.OutputGradient(query.Tensor) + query.First), query.Tensor.Shape.Columns, (nint)(tape.OutputGradient(key.Tensor) + key.First),
        key.Tensor.Shape.Columns, (nint)(tape.OutputGradient(value.Tensor) + value.First), value.Tensor.Shape.Columns);

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
    private static ReadOnlyMemory<int> Parts(Tape tape, ReadOnlySpan<int> lengths, in AttentionHeads heads, bool mayCut)
    {
        int count = 0, group = heads.Heads / heads.KeyValueHeads;
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
