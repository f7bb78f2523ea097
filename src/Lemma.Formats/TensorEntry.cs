using System.Globalization;

namespace Lemma.Formats;

/// <summary>One tensor of a file: what it is and where its bytes lie.</summary>
public sealed class TensorEntry
{
    internal TensorEntry(string name, string type, IReadOnlyList<long> sizes, MappedFile source, long begin, long bytes)
    {
        (Name, Type, Sizes, Source, Begin, Bytes) = (name, type, sizes, source, begin, bytes);
        Count = sizes.Aggregate(1L, (product, size) => product * size);
    }

    /// <summary>Its name, unique among the tensors that it stands with.</summary>
    public string Name { get; }

    /// <summary>The type of its elements: F32, F16, BF16, I64, ...; in GGUF files also those of blocks, such as Q4_K.</summary>
    public string Type { get; }

    /// <summary>The sizes of its axes, the last one varying fastest; none for a scalar.</summary>
    public IReadOnlyList<long> Sizes { get; }

    /// <summary>The number of elements.</summary>
    public long Count { get; }

    /// <summary>How many bytes its elements take.</summary>
    public long Bytes { get; }

    /// <summary>The path of the file that holds it.</summary>
    public string File => Source.Path;

    /// <summary>The sizes as in <c>[96, 32]</c>.</summary>
    public string ShapeText => Format(Sizes);

    /// <summary>The file that holds it.</summary>
    internal MappedFile Source { get; }

    /// <summary>The position of its first byte in the file.</summary>
    internal long Begin { get; }

    /// <summary>The distances of elements along the axes, in elements; null where they lie in order without holes.</summary>
    internal IReadOnlyList<long>? Strides { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Type} {ShapeText}";

    internal static string Format(IEnumerable<long> sizes) =>
        $"[{string.Join(", ", sizes.Select(size => size.ToString(CultureInfo.InvariantCulture)))}]";
}
