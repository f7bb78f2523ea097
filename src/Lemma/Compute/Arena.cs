using Lemma.Formulas;

namespace Lemma.Compute;

/// <summary>Memory that is taken in order and given back all at once: a step marks it and rewinds it, and nothing is collected.</summary>
/// <remarks>64-byte aligned. Chunks are kept after a rewind; memory that is never touched costs no physical pages.</remarks>
internal sealed unsafe class Arena(CountedMemory? counted = null) : IDisposable
{
    private const long ChunkElements = 64L << 20;
    private readonly List<NativeBlock> chunks = [];
    private readonly List<long> touched = [];
    private int chunk;
    private long used, filled;
    private bool isDisposed;

    /// <summary>A place to rewind to.</summary>
    public readonly record struct Mark(int Chunk, long Used);

    /// <summary>Takes memory for elements; what it holds is undefined.</summary>
    public float* Take(long count)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        Require.That(count >= 0, $"arena: the count must not be negative, but it is {count}");
        if (NativeBlock.Source.IsExact)
            return TakeExact(count);
        long rounded = (count + 15) / 16 * 16;
        while (chunk < chunks.Count && used + rounded > chunks[chunk].Length)
        {
            filled += chunks[chunk++].Length;
            used = 0;
        }
        if (chunk == chunks.Count)
        {
            Add(Math.Max(ChunkElements, rounded));
            used = 0;
        }
        float* memory = chunks[chunk].At(used, rounded);
        used += rounded;
        touched[chunk] = Math.Max(touched[chunk], used);
        Peak = Math.Max(Peak, filled + used);
        return memory;
    }

    /// <summary>Elements of all chunks.</summary>
    public long Elements => chunks.Sum(block => block.Length);

    /// <summary>The most elements that were taken at once.</summary>
    public long Peak { get; private set; }

    /// <summary>Elements of chunks that were ever taken: the others cost no physical pages.</summary>
    public long Touched => touched.Sum();

    /// <summary>The present place.</summary>
    public Mark Here => new(chunk, used);

    /// <summary>Gives back everything that was taken after a place.</summary>
    public void Rewind(Mark mark)
    {
        for (; chunk > mark.Chunk; filled -= chunks[--chunk].Length) { }
        used = mark.Used;
        for (int i = chunks.Count - 1; i >= chunk && NativeBlock.Source.IsExact; i--)
        {
            chunks[i].Dispose();
            chunks.RemoveAt(i);
            touched.RemoveAt(i);
        }
    }

    /// <summary>Gives the memory back to the system.</summary>
    public void Dispose()
    {
        isDisposed = true;
        foreach (NativeBlock block in chunks)
            block.Dispose();
        chunks.Clear();
        touched.Clear();
        (chunk, used, filled) = (0, 0, 0);
    }

    private void Add(long elements)
    {
        chunks.Add(counted is null ? new NativeBlock("arena", elements) : new NativeBlock("arena", elements, counted));
        touched.Add(0);
    }

    // A chunk to each tensor, so that a step beyond it is noticed.
    private float* TakeExact(long count)
    {
        Add(count);
        touched[^1] = count;
        chunk = chunks.Count;
        filled += count;
        Peak = Math.Max(Peak, filled);
        return chunks[^1].Pointer;
    }
}
