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
    private readonly record struct AttentionJob(nint Input, nint Output, nint Logs, nint Up, nint Gradient,
        AttentionHeads Heads, int Length, ReadOnlyMemory<int> Lengths)
    {
        public AttentionShape Shape => Heads.Shape(Length, Length);

        public AttentionHead Head(int index)
        {
            (int sequence, int head) = (index / Heads.KeyValueHeads, index % Heads.KeyValueHeads);
            int d = Heads.HeadWidth, group = Heads.Heads / Heads.KeyValueHeads;
            float* rows = (float*)Input + (nint)sequence * Length * Heads.RowWidth;
            float* outputs = (float*)Output + (nint)sequence * Length * Heads.Heads * d;
            return new AttentionHead((nint)(rows + head * group * d), Heads.RowWidth, (nint)(rows + (Heads.Heads + head) * d),
                (nint)(rows + (Heads.Heads + Heads.KeyValueHeads + head) * d), Heads.RowWidth, Heads.RowWidth, (nint)(outputs + head * group * d), Heads.Heads * d,
                Logs + index * group * Length * sizeof(float), Lengths.IsEmpty ? Length : Lengths.Span[sequence]);
        }

        public AttentionHeadGradient HeadGradient(int index)
        {
            AttentionHead head = Head(index);
            return new AttentionHeadGradient(Up + (head.Output - Output),
                Gradient + (head.Query - Input), Gradient + (head.Key - Input), Gradient + (head.Value - Input));
        }
    }

    /// <summary>softmax(Q·Kᵀ/√d_h + mask)·V for every sequence and head; rows hold queries, keys and values side by side.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[batch·length, (H + 2·H_kv)·d_h].</param>
    /// <param name="batch">Sequences, all of one length.</param>
    /// <param name="heads">The heads.</param>
    /// <param name="lengths">Tokens of each sequence that are not padding; empty when all are.</param>
    /// <returns>[batch·length, H·d_h].</returns>
    public static Tensor Attention(this Tape tape, Tensor x, int batch, AttentionHeads heads, ReadOnlyMemory<int> lengths = default)
    {
        heads.Validate();
        Require.That(x.Shape.Columns == heads.RowWidth, $"attention: rows of {x.Shape} must hold {heads.RowWidth} elements");
        Require.That(batch > 0 && x.Shape.Rows % batch == 0, $"attention: {batch} sequences do not divide {x.Shape.Rows} rows");
        int length = x.Shape.Rows / batch;
        Require.That(lengths.IsEmpty || lengths.Length == batch, $"attention: {lengths.Length} lengths for {batch} sequences");
        foreach (int some in lengths.Span)
            Require.That(some >= 0 && some <= length, $"attention: lengths must lie in [0, {length}], but one is {some}");
        int parts = batch * heads.KeyValueHeads;
        Tensor y = tape.New(new Shape(x.Shape.Rows, heads.Heads * heads.HeadWidth)), logs = tape.New(new Shape(batch * heads.Heads, length));
        AttentionJob job = new((nint)tape.Pointer(x), (nint)tape.Pointer(y), (nint)tape.Pointer(logs), 0, 0, heads, length, lengths);
        tape.Workers.Run(parts, job, static (in job, index) => Formulas.Attention.Forward(job.Shape, job.Head(index)));
        tape.Record((x, y, logs, heads, length, lengths, parts), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.x);
            AttentionJob job = new((nint)tape.Pointer(s.x), (nint)tape.Pointer(s.y), (nint)tape.Pointer(s.logs), (nint)tape.OutputGradient(s.y),
                (nint)tape.OutputGradient(s.x), s.heads, s.length, s.lengths);
            tape.Workers.Run(s.parts, job, static (in job, index) =>
                AttentionGradient.Backward(job.Shape, job.Head(index), job.HeadGradient(index)));
        });
        return y;
    }

    /// <summary>The same attention for new tokens of one sequence, whose earlier keys and values lie in a cache.</summary>
    /// <remarks>x: [new tokens, (H + 2·H_kv)·d_h]; their keys and values are appended first. Without a backward.
    /// A cached row has the bits of the uncached one.</remarks>
    public static Tensor CachedAttention(this Tape tape, Tensor x, AttentionHeads heads, KeyValueCache cache, int layer)
    {
        heads.Validate();
        int queries = x.Shape.Rows, past = cache.Length, keys = past + queries, d = heads.HeadWidth;
        Require.That(x.Shape.Columns == heads.RowWidth, $"attention: rows of {x.Shape} must hold {heads.RowWidth} elements");
        Require.That(cache.Width == heads.KeyValueHeads * d, $"attention: the cache holds {cache.Width} elements a token, but keys have {heads.KeyValueHeads * d}");
        Require.That((uint)layer < (uint)cache.Layers, $"attention: the cache has {cache.Layers} layers, so there is no layer {layer}");
        Require.That(keys <= cache.Capacity, $"attention: {keys} tokens do not fit the cache of {cache.Capacity}");
        Tensor y = tape.New(new Shape(queries, heads.Heads * d)), logs = tape.New(new Shape(heads.Heads, queries));
        for (int row = 0; row < queries; row++)
        {
            ReadOnlySpan<float> from = RowsOf(tape, x, row, 1)[(heads.Heads * d)..];
            from[..cache.Width].CopyTo(new Span<float>(cache.Keys(layer) + (nint)(past + row) * cache.Width, cache.Width));
            from[cache.Width..].CopyTo(new Span<float>(cache.Values(layer) + (nint)(past + row) * cache.Width, cache.Width));
        }
        tape.Workers.Run(heads.KeyValueHeads, (Shape: heads.Shape(queries, keys), Query: (nint)tape.Pointer(x), RowWidth: heads.RowWidth,
            Key: (nint)cache.Keys(layer), Value: (nint)cache.Values(layer), cache.Width, Output: (nint)tape.Pointer(y), Logs: (nint)tape.Pointer(logs)),
            static (in s, head) =>
            {
                int d = s.Shape.HeadWidth, group = s.Shape.Group;
                nint queries = (nint)head * group * d * sizeof(float), keys = (nint)head * d * sizeof(float);
                Formulas.Attention.Forward(s.Shape, new AttentionHead(s.Query + queries, s.RowWidth, s.Key + keys, s.Value + keys, s.Width, s.Width,
                    s.Output + queries, s.Width * group, s.Logs + (nint)head * group * s.Shape.Queries * sizeof(float), s.Shape.Keys));
            });
        tape.RecordStop("cached_attention", y);
        return y;
    }
}
