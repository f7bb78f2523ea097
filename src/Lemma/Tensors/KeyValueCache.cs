using System.Runtime.InteropServices;

namespace Lemma.Tensors;

/// <summary>The keys and values of one sequence for every layer, kept between decoding steps.</summary>
/// <remarks>2 · layers · H_kv · d_h · 4 bytes a token.</remarks>
public sealed unsafe class KeyValueCache : IDisposable
{
    private float* memory;

    /// <summary>Takes memory for layers, elements of a token's keys in one layer (H_kv·d_h), and a number of tokens.</summary>
    public KeyValueCache(int layers, int width, int capacity)
    {
        Require.That(capacity > 0, $"cache: the capacity must be positive, but it is {capacity}");
        (Layers, Width, Capacity) = (layers, width, capacity);
        memory = (float*)NativeMemory.AlignedAlloc(checked((nuint)(2L * layers * width * capacity) * sizeof(float)), 64);
    }

    /// <summary>Tokens that fit.</summary>
    public int Capacity { get; }

    /// <summary>Tokens that are kept; set it lower to forget the last ones.</summary>
    public int Length { get; set; }

    /// <summary>Keys of a layer, [capacity, H_kv·d_h].</summary>
    internal float* Keys(int layer) => memory + 2L * layer * Width * Capacity;

    /// <summary>Values of a layer, [capacity, H_kv·d_h].</summary>
    internal float* Values(int layer) => memory + (2L * layer + 1) * Width * Capacity;

    /// <summary>Elements of a token's keys in one layer.</summary>
    public int Width { get; }

    /// <summary>Layers.</summary>
    public int Layers { get; }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(memory);
        memory = null;
    }
}
