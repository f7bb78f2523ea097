using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>Turns the first <paramref name="heads"/> heads of every row in place by the angles of the row's position.</summary>
    /// <remarks>
    /// x: [rows, …]; cos, sin: [positions, d_h/2]. In place, because no operation needs the values before the turn: the backward turns the
    /// gradient back.
    /// </remarks>
    public static void RopeInPlace(this Tape tape, Tensor x, int heads, ReadOnlyMemory<int> positions, RopeTable table)
    {
        Require.That(positions.Length == x.Shape.Rows, $"rope: {positions.Length} positions for {x.Shape.Rows} rows");
        Require.That(heads * table.HeadWidth <= x.Shape.Columns, $"rope: {heads} heads of {table.HeadWidth} do not fit rows of {x.Shape.Columns}");
        Require.That(!tape.IsParameter(x), $"rope: it turns in place, so x {x.Shape} must not be a parameter");
        TurnRows(tape, tape.Pointer(x), x.Shape.Columns, heads, positions, table, inverse: false);
        tape.Record((x, heads, positions, table), static (tape, in s) =>
        {
            if (tape.HasGradient(s.x))
                TurnRows(tape, tape.OutputGradient(s.x), s.x.Shape.Columns, s.heads, s.positions, s.table, inverse: true);
        });
    }

    private static void TurnRows(Tape tape, float* x, int stride, int heads, ReadOnlyMemory<int> positions, RopeTable table, bool inverse)
    {
        tape.Workers.Rows(positions.Length, Workers.RowsFor(heads * table.HeadWidth), (X: (nint)x, stride, heads, positions, table, inverse),
            static (in s, first, count) =>
            {
                for (int row = first; row < first + count; row++)
                {
                    int position = s.positions.Span[row];
                    Rope.Turn(new Span<float>((float*)s.X + (nint)row * s.stride, s.heads * s.table.HeadWidth),
                        s.table.Cosines(position), s.table.Sines(position), s.table.Interleaved, s.inverse);
                }
            });
    }
}

/// <summary>The cosines and sines of positions up to a length, computed a thousand positions at a time when the first of them is asked for.</summary>
/// <remarks>Any number of threads may ask. What a model says of its longest sequence costs no memory before it is reached.</remarks>
public sealed class RopeTable
{
    private const int PageLength = 1024;
    private readonly double theta;
    private readonly Page?[] pages;
    private readonly Lock gate = new();

    /// <summary>A table of the angles m·θ^(−2i/d).</summary>
    public RopeTable(int positions, int headWidth, double theta, bool interleaved)
    {
        Require.That(positions > 0 && headWidth > 0 && headWidth % 2 == 0,
            $"rope: positions and an even head width are needed, but they are {positions} and {headWidth}");
        (HeadWidth, Interleaved, Positions, this.theta) = (headWidth, interleaved, positions, theta);
        pages = new Page?[(int)(((long)positions + PageLength - 1) / PageLength)];
    }

    /// <summary>The width of a head.</summary>
    public int HeadWidth { get; }

    /// <summary>The layout of the pairs.</summary>
    public bool Interleaved { get; }

    /// <summary>How many positions there are.</summary>
    public int Positions { get; }

    /// <summary>The cosines of one position.</summary>
    public ReadOnlySpan<float> Cosines(int position) => PageOf(position).Cosines.AsSpan(position % PageLength * (HeadWidth / 2), HeadWidth / 2);

    /// <summary>The sines of one position.</summary>
    public ReadOnlySpan<float> Sines(int position) => PageOf(position).Sines.AsSpan(position % PageLength * (HeadWidth / 2), HeadWidth / 2);

    /// <summary>Elements that are held.</summary>
    internal long Held => pages.Sum(page => page is null ? 0L : 2 * page.Cosines.Length);

    private Page PageOf(int position)
    {
        Require.That((uint)position < (uint)Positions, $"rope: position {position} is beyond the longest sequence, {Positions}");
        return Volatile.Read(ref pages[position / PageLength]) ?? MakePage(position / PageLength);
    }

    private Page MakePage(int index)
    {
        lock (gate)
        {
            if (pages[index] is { } made)
                return made;
            int first = index * PageLength, count = Math.Min(PageLength, Positions - first);
            Page page = new(new float[count * HeadWidth / 2], new float[count * HeadWidth / 2]);
            Rope.Angles(first, count, HeadWidth, theta, page.Cosines, page.Sines);
            Volatile.Write(ref pages[index], page);
            return page;
        }
    }

    private sealed record Page(float[] Cosines, float[] Sines);
}
