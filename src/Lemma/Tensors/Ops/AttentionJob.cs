using Lemma.Formulas;

namespace Lemma.Tensors;

/// <summary>Where the score terms of all heads lie.</summary>
internal readonly unsafe record struct TermPlaces(bool IsPlain, float Cap, nint Bias, int BiasWidth, int BiasZero, nint Sinks)
{
    public static TermPlaces Of(Tape tape, in AttentionTerms terms) => new(terms.IsPlain, terms.Cap,
        terms.Bias is { } bias ? (nint)tape.Pointer(bias) : 0, terms.Bias?.Shape.Columns ?? 0, terms.BiasZero,
        terms.Sinks is { } sinks ? (nint)tape.Pointer(sinks) : 0);

    /// <summary>Those of some heads from a first one on, for queries from a position on, with the places of these heads' own gradients.</summary>
    public ScoreTerms For(int firstHead, int position, nint biasGradient = 0, nint sinkGradient = 0) => new(Cap, position,
        Bias == 0 ? 0 : (nint)((float*)Bias + (nint)firstHead * BiasWidth + BiasZero), BiasWidth,
        biasGradient == 0 ? 0 : (nint)((float*)biasGradient + BiasZero), Sinks == 0 ? 0 : (nint)((float*)Sinks + firstHead), sinkGradient);
}

/// <summary>Addresses and strides of queries, keys and values, or of their gradients.</summary>
internal readonly unsafe record struct HeadPlaces(nint Query, nint QueryStride, nint Key, nint KeyStride, nint Value, nint ValueStride)
{
    public static HeadPlaces Of(Tape tape, in HeadColumns query, in HeadColumns key, in HeadColumns value) => new(
        (nint)(tape.Pointer(query.Tensor) + query.First), query.Tensor.Shape.Columns, (nint)(tape.Pointer(key.Tensor) + key.First), key.Tensor.Shape.Columns,
        (nint)(tape.Pointer(value.Tensor) + value.First), value.Tensor.Shape.Columns);

    public static HeadPlaces GradientsOf(Tape tape, in HeadColumns query, in HeadColumns key, in HeadColumns value) => new(
        (nint)(tape.OutputGradient(query.Tensor) + query.First), query.Tensor.Shape.Columns, (nint)(tape.OutputGradient(key.Tensor) + key.First),
        key.Tensor.Shape.Columns, (nint)(tape.OutputGradient(value.Tensor) + value.First), value.Tensor.Shape.Columns);
}

/// <summary>An attention over whole sequences, which runs in parts.</summary>
/// <param name="Places">Queries, keys and values.</param>
/// <param name="Output">[rows, H·d_v].</param>
/// <param name="Logs">ln Σ e^score, [H, queries] a sequence.</param>
/// <param name="Heads">The heads.</param>
/// <param name="Queries">Where each sequence of queries begins, and where the last ends.</param>
/// <param name="Keys">The same of keys.</param>
/// <param name="Prefixes">How many first positions of each sequence all of it sees; empty for none.</param>
/// <param name="Terms">What is done to the scores.</param>
internal readonly unsafe record struct AttentionJob(HeadPlaces Places, nint Output, nint Logs, AttentionHeads Heads, ReadOnlyMemory<int> Queries,
    ReadOnlyMemory<int> Keys, ReadOnlyMemory<int> Prefixes, TermPlaces Terms)
{
    /// <summary>dQ, dK and dV of the whole.</summary>
    public HeadPlaces Gradients { get; init; }

    /// <summary>dO.</summary>
    public nint Up { get; init; }

    /// <summary>[rows, d_h + d_v]: sums of dK and dV of parts that have their own.</summary>
    public nint Partials { get; init; }

    /// <summary>[term rows, distances] and [term rows]: gradients of the bias and the sinks, a row a head of a part; 0 for none.</summary>
    public (nint Bias, nint Sinks) TermGradients { get; init; }

    /// <summary>Further outputs and logs, laid as those of the whole, for a part of a softmax that joins another; where the pattern has such parts.</summary>
    public nint Other { get; init; }

    /// <summary>The logs beside <see cref="Other"/>.</summary>
    public nint OtherLogs { get; init; }

    private int PartialWidth => Heads.HeadWidth + Heads.ValueWidth;

    /// <summary>How many keys from the first on the queries of a part may see.</summary>
    public int KeysOf(in AttentionPart part)
    {
        int keys = Keys.Span[part.Sequence + 1] - Keys.Span[part.Sequence];
        return Heads.Causal ? Math.Min(keys, Math.Max(part.FirstQuery + part.Queries, PrefixOf(part))) : keys;
    }

    /// <summary>O of a part.</summary>
    public void Forward(in AttentionPart part)
    {
        (AttentionShape shape, AttentionHead head) = Of(part);
        if (Heads.Pattern is DualChunk chunks)
            ForwardInChunks(part, chunks);
        else if (Heads.Pattern is BlockSparse sparse)
            Formulas.Attention.Forward(shape, head, sparse.Scores(Heads.Causal, KeysIn(part), Terms.For(part.FirstHead, part.FirstQuery)));
        else if (Terms.IsPlain)
            Formulas.Attention.Forward(shape, head);
        else
            Formulas.Attention.Forward(shape, head, Terms.For(part.FirstHead, part.FirstQuery));
    }

    private void ForwardInChunks(in AttentionPart part, DualChunk chunks)
    {
        int width = Heads.ValueWidth;
        foreach (ChunkForm form in new ChunkForms(chunks, part.FirstQuery, part.FirstQuery + part.Queries))
        {
            (AttentionShape shape, AttentionHead head) = Of(part, form);
            if (form.Form == 0)
            {
                Formulas.Attention.Forward(shape, head);
                continue;
            }
            AttentionHead other = head with { Output = Other + (head.Output - Output), LogSumExp = OtherLogs + (head.LogSumExp - Logs) };
            Formulas.Attention.Forward(shape, other);
            for (int i = 0; i < shape.Queries; i++)
            {
                DualChunkAttention.Join(new Span<float>((float*)head.Output + i * head.OutputStride, width), ref ((float*)head.LogSumExp)[i],
                    new ReadOnlySpan<float>((float*)other.Output + i * head.OutputStride, width), ((float*)other.LogSumExp)[i]);
            }
        }
    }

    /// <summary>The gradients of a part.</summary>
    public void Backward(in AttentionPart part)
    {
        (AttentionShape shape, AttentionHead head) = Of(part);
        AttentionHeadGradient gradient = GradientOf(head);
        if (part.Partial >= 0)
        {
            float* own = Partial(part);
            new Span<float>(own, checked(shape.Keys * PartialWidth)).Clear();
            gradient = gradient with { Key = (nint)own, Value = (nint)(own + Heads.HeadWidth), KeyStride = PartialWidth, ValueStride = PartialWidth };
        }
        if (Heads.Pattern is DualChunk chunks)
        {
            // With the logs and outputs of the whole, a part of the softmax has the gradient that it has in the whole.
            foreach (ChunkForm form in new ChunkForms(chunks, part.FirstQuery, part.FirstQuery + part.Queries))
            {
                (AttentionShape some, AttentionHead own) = Of(part, form);
                AttentionHeadGradient places = GradientOf(own);
                AttentionGradient.Backward(some, own, gradient with { Output = places.Output, Query = places.Query });
            }
            return;
        }
        ScoreTerms terms = Terms.For(part.FirstHead, part.FirstQuery,
            TermGradients.Bias == 0 ? 0 : (nint)((float*)TermGradients.Bias + (nint)part.TermRow * Terms.BiasWidth),
            TermGradients.Sinks == 0 ? 0 : (nint)((float*)TermGradients.Sinks + part.TermRow));
        if (Heads.Pattern is BlockSparse sparse)
            AttentionGradient.Backward(shape, head, gradient, sparse.Scores(Heads.Causal, KeysIn(part), terms));
        else if (Terms.IsPlain)
            AttentionGradient.Backward(shape, head, gradient);
        else
            AttentionGradient.Backward(shape, head, gradient, terms);
    }

    /// <summary>Adds some rows of a part's own sums to dK and dV.</summary>
    public void AddPartial(in AttentionPart part, int firstKey, int count)
    {
        int keyHead = part.FirstHead / Heads.Group, d = Heads.HeadWidth, width = Heads.ValueWidth;
        nint row = Keys.Span[part.Sequence];
        for (int key = firstKey; key < firstKey + count; key++)
        {
            float* own = Partial(part) + (nint)key * PartialWidth;
            Add(own, (float*)Gradients.Key + (row + key) * Gradients.KeyStride + keyHead * d, d);
            Add(own + d, (float*)Gradients.Value + (row + key) * Gradients.ValueStride + keyHead * width, width);
        }

        static void Add(float* from, float* to, int size)
        {
            Span<float> sum = new(to, size);
            System.Numerics.Tensors.TensorPrimitives.Add(sum, new ReadOnlySpan<float>(from, size), sum);
        }
    }

    private AttentionHeadGradient GradientOf(in AttentionHead head) => new(Up + (head.Output - Output), Gradients.Query + (head.Query - Places.Query),
        Gradients.Key + (head.Key - Places.Key), Gradients.Value + (head.Value - Places.Value));

    // Some queries of a part, in one form, before the keys that they meet in it.
    private (AttentionShape Shape, AttentionHead Head) Of(in AttentionPart part, in ChunkForm form)
    {
        (AttentionShape shape, AttentionHead head) = Of(part with { FirstQuery = form.FirstQuery, Queries = form.Queries });
        return (form.Of(shape), head with { Query = head.Query + (nint)form.Form * Heads.Heads * Heads.HeadWidth * sizeof(float), Length = form.End });
    }

    private float* Partial(in AttentionPart part) => (float*)Partials + (nint)part.Partial * PartialWidth;

    private int PrefixOf(in AttentionPart part) => Prefixes.IsEmpty ? 0 : Prefixes.Span[part.Sequence];

    private int KeysIn(in AttentionPart part) => Keys.Span[part.Sequence + 1] - Keys.Span[part.Sequence];

    private (AttentionShape Shape, AttentionHead Head) Of(in AttentionPart part)
    {
        int keyHead = part.FirstHead / Heads.Group, row = Queries.Span[part.Sequence], length = Queries.Span[part.Sequence + 1] - row;
        int keyRow = Keys.Span[part.Sequence], keys = KeysOf(part);
        AttentionShape shape = Heads.Shape(part.FirstHead, part.Group, part.FirstQuery, part.Queries, keys) with { Prefix = PrefixOf(part) };
        nint first = row + part.FirstQuery;
        return (shape, new AttentionHead(
            (nint)((float*)Places.Query + first * Places.QueryStride + part.FirstHead * Heads.HeadWidth), Places.QueryStride,
            (nint)((float*)Places.Key + keyRow * Places.KeyStride + keyHead * Heads.HeadWidth),
            (nint)((float*)Places.Value + keyRow * Places.ValueStride + keyHead * Heads.ValueWidth), Places.KeyStride, Places.ValueStride,
            (nint)((float*)Output + (first * Heads.Heads + part.FirstHead) * Heads.ValueWidth), Heads.Heads * Heads.ValueWidth,
            (nint)((float*)Logs + (nint)row * Heads.Heads + (nint)part.FirstHead * length + part.FirstQuery), keys));
    }
}
