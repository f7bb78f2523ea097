using System.Runtime.InteropServices;

namespace Lemma.Tensors;

/// <summary>Memory that is taken in order and given back all at once: a step marks it and rewinds it, and nothing is collected.</summary>
/// <remarks>64-byte aligned. Chunks are kept after a rewind; memory that is never touched costs no physical pages.</remarks>
public sealed unsafe class Arena : IDisposable
{
    private const long ChunkElements = 64L << 20;
    private readonly List<(nint Data, long Length)> chunks = [];
    private int chunk;
    private long used;

    /// <summary>A place to rewind to.</summary>
    public readonly record struct Mark(int Chunk, long Used);

    /// <summary>Takes memory for elements; what it holds is undefined.</summary>
    public float* Take(long count)
    {
        Require.That(count >= 0, $"arena: the count must not be negative, but it is {count}");
        long rounded = (count + 15) / 16 * 16;
        while (chunk < chunks.Count && used + rounded > chunks[chunk].Length)
        {
            chunk++;
            used = 0;
        }
        if (chunk == chunks.Count)
        {
            long length = Math.Max(ChunkElements, rounded);
            chunks.Add(((nint)NativeMemory.AlignedAlloc(checked((nuint)length * sizeof(float)), 64), length));
            used = 0;
        }
        float* memory = (float*)chunks[chunk].Data + used;
        used += rounded;
        return memory;
    }

    /// <summary>The present place.</summary>
    public Mark Here => new(chunk, used);

    /// <summary>Gives back everything that was taken after a place.</summary>
    public void Rewind(Mark mark) => (chunk, used) = (mark.Chunk, mark.Used);

    /// <summary>Gives the memory back to the system.</summary>
    public void Dispose()
    {
        foreach ((nint data, _) in chunks)
            NativeMemory.AlignedFree((void*)data);
        chunks.Clear();
        (chunk, used) = (0, 0);
    }
}
