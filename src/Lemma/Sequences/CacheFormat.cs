using Lemma.Formulas;

namespace Lemma.Sequences;

/// <summary>How the keys and values that a sequence keeps between passes are stored.</summary>
/// <remarks>
/// A key and a value are rounded when they are kept, and every query reads what is kept, those of the same pass too: a prompt has the same bits whole, in
/// pieces and token by token. With q8_0 and q4_0, whose blocks are ggml's, keys and values are turned by a Hadamard matrix first
/// (<see cref="Hadamard"/>), so that an outlier is spread over its head; queries are turned alike, which leaves scores as they are, and outputs turned back.
/// Sums of linear attention stay 32-bit floats in every format. Ashkboos et al. 2024, QuaRot, for the rotation.
/// </remarks>
public sealed class CacheFormat
{
    private CacheFormat(string name, PageFormat pages) => (Name, Pages) = (name, pages);

    /// <summary>32-bit floats: nothing is rounded.</summary>
    public static CacheFormat Float32 { get; } = new("f32", PageFormat.Single);

    /// <summary>16-bit floats, up to 65,504; a larger number becomes infinite.</summary>
    public static CacheFormat Float16 { get; } = new("f16", PageFormat.Half);

    /// <summary>16-bit brain floats.</summary>
    public static CacheFormat BrainFloat16 { get; } = new("bf16", PageFormat.Brain);

    /// <summary>Blocks of 32 numbers of 8 bits with a 16-bit scale, 34 bytes; the width of a head must be a multiple of 32.</summary>
    public static CacheFormat EightBits { get; } = new("q8_0", PageFormat.Eight);

    /// <summary>Blocks of 32 numbers of 4 bits with a 16-bit scale, 18 bytes; the width of a head must be a multiple of 32.</summary>
    public static CacheFormat FourBits { get; } = new("q4_0", PageFormat.Four);

    /// <summary>All that there are.</summary>
    public static IReadOnlyList<CacheFormat> All { get; } = [Float32, Float16, BrainFloat16, EightBits, FourBits];

    /// <summary>As files and the tool name it: <c>f32</c>, <c>q8_0</c>.</summary>
    public string Name { get; }

    internal PageFormat Pages { get; }

    /// <summary>The format of a name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static CacheFormat Find(string name) => All.FirstOrDefault(format => format.Name == name)
        ?? throw new ArgumentException($"cache: there is no format '{name}'; there are {string.Join(", ", All.Select(format => format.Name))}");

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>A page of keys and values of some heads.</summary>
    /// <exception cref="ArgumentException">The format has blocks, which do not fill the width of a head.</exception>
    internal KeyValuePageShape PageOf(int heads, int width, int valueWidth)
    {
        KeyValuePageShape shape = new(heads, width, valueWidth, Pages);
        const int block = KeyValuePageShape.BlockNumbers;
        Require.That(!shape.IsBlocks || (width % block == 0 && valueWidth % block == 0),
            $"cache: {Name} rounds blocks of {block} numbers, but heads have keys of {width} and values of {valueWidth}");
        return shape;
    }
}
