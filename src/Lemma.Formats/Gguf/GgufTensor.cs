namespace Lemma.Formats;

/// <summary>One tensor of a GGUF file to write.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="Sizes">The sizes of its axes, the last one varying fastest.</param>
/// <param name="Source">Its elements in row-major order.</param>
/// <param name="Type">How they are stored, one of <see cref="GgufWriter.Types"/>.</param>
public sealed record GgufTensor(string Name, IReadOnlyList<int> Sizes, TensorSource Source, string Type)
{
    /// <summary>How much the errors of columns count, for each matrix of the tensor or for all; empty where all count alike.</summary>
    public ReadOnlyMemory<float> Importance { get; init; }

    /// <summary>The number of elements.</summary>
    public long Count => Sizes.Aggregate(1L, (product, size) => checked(product * size));
}

/// <summary>What rounding did to a tensor.</summary>
/// <param name="Name">The tensor.</param>
/// <param name="Type">How it was stored.</param>
/// <param name="Elements">How many elements it has.</param>
/// <param name="SquaredError">The sum of squares of what was rounded off.</param>
/// <param name="SquaredSize">The sum of squares of the elements.</param>
public sealed record GgufRounding(string Name, string Type, long Elements, double SquaredError, double SquaredSize);

/// <summary>How a GGUF file is written.</summary>
public sealed record GgufOptions
{
    /// <summary>Told the bytes of tensors that are written, and how many there will be.</summary>
    public Action<long, long>? Progress { get; init; }

    /// <summary>Runs a number of parts that do not depend on each other, on threads or not; the bytes are the same.</summary>
    public Action<int, Action<int>> Run { get; init; } = static (count, part) =>
    {
        for (int i = 0; i < count; i++)
            part(i);
    };
}
