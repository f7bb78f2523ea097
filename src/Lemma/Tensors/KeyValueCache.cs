using Lemma.Formulas;

namespace Lemma.Tensors;

/// <summary>The keys and values of one sequence for every layer, kept between decoding steps.</summary>
/// <remarks>2 · layers · H_kv · d_h · 4 bytes a token. A cache serves one pass at a time.</remarks>
public sealed unsafe class KeyValueCache : IDisposable
{
    private readonly NativeBlock memory;

    /// <summary>Takes memory for layers, elements of a token's keys in one layer (H_kv·d_h), and a number of tokens.</summary>
    public KeyValueCache(int layers, int width, int capacity)
    {
        Require.That(layers > 0 && width > 0 && capacity > 0,
            $"cache: layers, width and capacity must be positive, but they are {layers}, {width} and {capacity}");
        (Layers, Width, Capacity) = (layers, width, capacity);
        memory = new NativeBlock("cache", checked(2L * layers * width * capacity));
    }

    /// <summary>Tokens that fit.</summary>
    public int Capacity { get; }

    /// <summary>Tokens that are kept.</summary>
    public int Length { get; private set; }

    /// <summary>Elements of a token's keys in one layer.</summary>
    public int Width { get; }

    /// <summary>Layers.</summary>
    public int Layers { get; }

    /// <summary>Forgets all but the first tokens.</summary>
    /// <exception cref="ArgumentException">The number is negative or larger than <see cref="Length"/>.</exception>
    public void Truncate(int length)
    {
        Require.That(length >= 0 && length <= Length, $"cache: it holds {Length} tokens, so it cannot be cut to {length}");
        Length = length;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => memory.Dispose();

    /// <summary>Keys of a layer, [capacity, H_kv·d_h].</summary>
    internal float* Keys(int layer) => memory.At(PlaceOf(layer), (long)Width * Capacity);

    /// <summary>Values of a layer, [capacity, H_kv·d_h].</summary>
    internal float* Values(int layer) => memory.At(PlaceOf(layer) + (long)Width * Capacity, (long)Width * Capacity);

    /// <summary>Counts tokens whose keys and values every layer has written.</summary>
    internal void Advance(int tokens)
    {
        Require.That(tokens >= 0 && tokens <= Capacity - Length, $"cache: {Length} + {tokens} tokens do not fit its {Capacity}");
        Length += tokens;
    }

    private long PlaceOf(int layer)
    {
        Require.That((uint)layer < (uint)Layers, $"cache: it has {Layers} layers, so there is no layer {layer}");
        return 2L * layer * Width * Capacity;
    }
}
