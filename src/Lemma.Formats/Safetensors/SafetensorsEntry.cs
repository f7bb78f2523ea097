using System.Globalization;

namespace Lemma.Formats;

/// <summary>One tensor of a safetensors file: what it is and where its bytes lie.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="Type">The element type as the format spells it: F32, F16, BF16, I64, ...</param>
/// <param name="Sizes">The sizes of its axes; none for a scalar.</param>
/// <param name="Begin">The position of its first byte in the file.</param>
/// <param name="Bytes">How many bytes it takes.</param>
public sealed record SafetensorsEntry(string Name, string Type, IReadOnlyList<long> Sizes, long Begin, long Bytes)
{
    /// <summary>The number of elements.</summary>
    public long Count { get; } = Sizes.Aggregate(1L, (product, size) => product * size);

    /// <summary>The sizes as in <c>[96, 32]</c>.</summary>
    public string ShapeText => Format(Sizes);

    internal static string Format(IEnumerable<long> sizes) =>
        $"[{string.Join(", ", sizes.Select(size => size.ToString(CultureInfo.InvariantCulture)))}]";

    /// <summary>The bytes of an element, or null when the type is none of the format's.</summary>
    internal static int? BytesOf(string type) => type switch
    {
        "F64" or "I64" or "U64" or "C64" => 8,
        "F32" or "I32" or "U32" => 4,
        "F16" or "BF16" or "I16" or "U16" => 2,
        "I8" or "U8" or "BOOL" or "F8_E4M3" or "F8_E5M2" => 1,
        _ => null,
    };
}
