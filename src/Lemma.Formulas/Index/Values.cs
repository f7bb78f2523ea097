using System.Globalization;

namespace Lemma.Formulas;

/// <summary>Numbers with a shape: what a formula of the index is given and what it gives back.</summary>
/// <remarks>Row-major, float32. A scalar has the shape [].</remarks>
public sealed class Values
{
    private readonly double[]? exact;

    /// <summary>Numbers of a shape; their count must be the product of its sizes.</summary>
    public Values(int[] shape, float[] data)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(data);
        // In double, since sizes from a file may have a product that overflows.
        double count = 1;
        foreach (int size in shape)
            count *= size;
        if (count != data.Length || shape.Any(size => size < 0))
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"values: the shape {Describe(shape)} does not hold {data.Length} numbers"));
        }
        (Shape, Data) = (shape, data);
    }

    /// <summary>Zeros of a shape.</summary>
    public Values(params int[] shape) : this(shape, new float[shape.Aggregate(1, (count, size) => checked(count * size))]) { }

    /// <summary>
    /// Numbers that may have more digits than float32 holds; formulas that would lose them can ask for <see cref="Exact"/>.
    /// </summary>
    public Values(int[] shape, double[] data) : this(shape, Array.ConvertAll(data, value => (float)value))
    {
        for (int i = 0; i < data.Length && exact is null; i++)
            exact = (double)Data[i] == data[i] || !double.IsFinite(data[i]) ? null : data;
    }

    /// <summary>Whether the numbers have more digits than float32 holds.</summary>
    public bool HasMoreDigits => exact is not null;

    /// <summary>The numbers in double, with all the digits that they came with.</summary>
    public double[] Exact => exact ?? Array.ConvertAll(Data, value => (double)value);

    /// <summary>The sizes of the axes.</summary>
    public int[] Shape { get; }

    /// <summary>The numbers.</summary>
    public float[] Data { get; }

    /// <summary>How many numbers there are.</summary>
    public int Count => Data.Length;

    /// <summary>The size of the last axis, 1 for a scalar.</summary>
    public int Columns => Shape.Length == 0 ? 1 : Shape[^1];

    /// <summary>The product of all sizes but the last.</summary>
    public int Rows => Columns > 0 ? Count / Columns : Shape[..^1].Aggregate(1, (count, size) => count * size);

    /// <summary>A scalar.</summary>
    public static Values Scalar(double value) => new([], [(float)value]);

    /// <summary>Zeros of the same shape.</summary>
    public Values Like() => new(Shape, new float[Count]);

    /// <summary>The sizes as in <c>[3, 7, 8]</c>.</summary>
    public static string Describe(int[] shape) =>
        $"[{string.Join(", ", shape.Select(size => size.ToString(CultureInfo.InvariantCulture)))}]";

    /// <summary>The numbers as a span.</summary>
    public static implicit operator ReadOnlySpan<float>(Values values) => values.Data;

    /// <summary>The numbers as a span that can be written.</summary>
    public static implicit operator Span<float>(Values values) => values.Data;

    /// <inheritdoc/>
    public override string ToString() => Describe(Shape);
}
