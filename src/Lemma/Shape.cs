using System.Globalization;

namespace Lemma;

/// <summary>The sizes of a tensor's axes, one to four of them, in row-major order: the last axis is contiguous.</summary>
public readonly record struct Shape
{
    private readonly int first, second, third, fourth;

    /// <summary>Rank 1.</summary>
    public Shape(int first) : this(1, first, 1, 1, 1) { }

    /// <summary>Rank 2.</summary>
    public Shape(int first, int second) : this(2, first, second, 1, 1) { }

    /// <summary>Rank 3.</summary>
    public Shape(int first, int second, int third) : this(3, first, second, third, 1) { }

    /// <summary>Rank 4.</summary>
    public Shape(int first, int second, int third, int fourth) : this(4, first, second, third, fourth) { }

    private Shape(int rank, int first, int second, int third, int fourth)
    {
        Require.That(first >= 0 && second >= 0 && third >= 0 && fourth >= 0,
            $"shape: sizes must not be negative, but they are {first}, {second}, {third}, {fourth}");
        Require.That((Int128)first * second * third * fourth <= long.MaxValue,
            $"shape: the sizes {first}, {second}, {third}, {fourth} have more elements than can be counted");
        Rank = rank;
        (this.first, this.second, this.third, this.fourth) = (first, second, third, fourth);
    }

    /// <summary>The number of axes.</summary>
    public int Rank { get; }

    /// <summary>The size of an axis; from the end as well: <c>shape[^1]</c>.</summary>
    public int this[Index axis]
    {
        get
        {
            int at = axis.GetOffset(Rank);
            Require.That(at >= 0 && at < Rank, $"shape: axis {at} does not exist in {this}");
            return at switch { 0 => first, 1 => second, 2 => third, _ => fourth };
        }
    }

    /// <summary>The sizes of all axes.</summary>
    public int[] Sizes() => [.. new[] { first, second, third, fourth }.Take(Rank)];

    /// <summary>The product of all sizes.</summary>
    public long Count => (long)first * second * third * fourth;

    /// <summary>The product of all sizes but the last: how many rows a row-wise operation sees.</summary>
    public int Rows => checked((int)(Columns == 0 ? 0 : Count / Columns));

    /// <summary>The size of the last axis: the length of a row.</summary>
    public int Columns => Rank == 0 ? 0 : this[^1];

    /// <summary>The sizes as in <c>[8, 256, 384]</c>.</summary>
    public override string ToString() => Rank switch
    {
        0 => "[]",
        1 => string.Create(CultureInfo.InvariantCulture, $"[{first}]"),
        2 => string.Create(CultureInfo.InvariantCulture, $"[{first}, {second}]"),
        3 => string.Create(CultureInfo.InvariantCulture, $"[{first}, {second}, {third}]"),
        _ => string.Create(CultureInfo.InvariantCulture, $"[{first}, {second}, {third}, {fourth}]"),
    };
}
