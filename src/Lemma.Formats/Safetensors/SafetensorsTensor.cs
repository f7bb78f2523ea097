namespace Lemma.Formats;

/// <summary>The elements of a tensor that is written, asked for once, when its turn comes.</summary>
public delegate ReadOnlySpan<float> TensorSource();

/// <summary>One tensor to write.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="Sizes">The sizes of its axes.</param>
/// <param name="Source">Its elements in row-major order.</param>
/// <param name="Type">How they are stored; fewer bits than float32 are rounded to the nearest, ties to even.</param>
public sealed record SafetensorsTensor(string Name, IReadOnlyList<int> Sizes, TensorSource Source, FloatType Type = FloatType.F32)
{
    /// <summary>The number of elements.</summary>
    public long Count => Sizes.Aggregate(1L, (product, size) => checked(product * size));

    /// <summary>How many bytes its elements take in the file.</summary>
    public long Bytes => checked(Count * FloatConversion.BytesOf(Type));
}
