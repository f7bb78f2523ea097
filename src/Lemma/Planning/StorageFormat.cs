namespace Lemma.Planning;

/// <summary>How numbers are stored: blocks of elements, and the bytes of a block.</summary>
/// <param name="Name">As files name it: <c>f32</c>, <c>q8_0</c>.</param>
/// <param name="BlockElements">Elements that share what a block has once, a scale say.</param>
/// <param name="BlockBytes">The bytes of such a block.</param>
/// <remarks>Blocks are those of ggml: of q8_0 a half and 32 bytes, of q4_0 a half and 16 bytes. Those that Lemma keeps keys and values in have
/// the names of <see cref="Sequences.CacheFormat"/>; the others are what a plan compares.</remarks>
public sealed record StorageFormat(string Name, int BlockElements, int BlockBytes)
{
    /// <summary>32-bit floats.</summary>
    public static StorageFormat Float32 { get; } = new("f32", 1, 4);

    /// <summary>16-bit brain floats.</summary>
    public static StorageFormat BrainFloat16 { get; } = new("bf16", 1, 2);

    /// <summary>All that are known.</summary>
    public static IReadOnlyList<StorageFormat> All { get; } = [Float32, new("f16", 1, 2), BrainFloat16, new("f8", 1, 1), new("q8_0", 32, 34), new("q4_0", 32, 18)];

    /// <summary>The format of a name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static StorageFormat Find(string name) => All.FirstOrDefault(format => format.Name == name)
        ?? throw new ArgumentException($"format: there is no '{name}'; there are {string.Join(", ", All.Select(format => format.Name))}");

    /// <summary>The bytes of elements; a block that is begun counts whole.</summary>
    public long BytesOf(long elements) => checked((elements + BlockElements - 1) / BlockElements * BlockBytes);
}
