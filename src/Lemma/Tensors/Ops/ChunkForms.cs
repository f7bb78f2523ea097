using Lemma.Formulas;

namespace Lemma.Tensors;

/// <summary>Queries of one chunk in one form, and the keys that they meet in it.</summary>
/// <param name="Form">0 for their own chunk, 1 for the one before, 2 for earlier ones.</param>
/// <param name="FirstQuery">The position of the first query.</param>
/// <param name="Queries">How many queries.</param>
/// <param name="From">The first key.</param>
/// <param name="End">One past the last key.</param>
internal readonly record struct ChunkForm(int Form, int FirstQuery, int Queries, int From, int End)
{
    /// <summary>The shape of these queries and keys.</summary>
    public AttentionShape Of(in AttentionShape shape) => shape with { Queries = Queries, Keys = End, Start = FirstQuery, From = From, Causal = Form == 0 };
}

/// <summary>The forms of queries from a position to another, chunk by chunk; forms that meet no key are left out.</summary>
internal struct ChunkForms(DualChunk chunks, int start, int end)
{
    private int position = start, count, chunkStart, form = 3;

    /// <summary>The present form.</summary>
    public ChunkForm Current { get; private set; }

    /// <summary>This, for a loop.</summary>
    public readonly ChunkForms GetEnumerator() => this;

    /// <summary>Goes on to the next form.</summary>
    public bool MoveNext()
    {
        while (true)
        {
            if (++form >= 3)
            {
                position += count;
                if (position >= end)
                    return false;
                (count, chunkStart) = chunks.Next(position, end);
                form = 0;
            }
            (int first, int keys) = DualChunkAttention.Segment(chunkStart, position + count - chunkStart, chunks.Chunk, form);
            if (keys == 0)
                continue;
            Current = new ChunkForm(form, position, count, first, first + keys);
            return true;
        }
    }
}
