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

/// <summary>The cosines and sines of every position up to a length, computed once.</summary>
public sealed class RopeTable
{
    private readonly float[] cosines, sines;

    /// <summary>Computes the angles m·θ^(−2i/d).</summary>
    public RopeTable(int positions, int headWidth, double theta, bool interleaved)
    {
        (HeadWidth, Interleaved, Positions) = (headWidth, interleaved, positions);
        cosines = new float[positions * headWidth / 2];
        sines = new float[cosines.Length];
        Rope.Angles(0, positions, headWidth, theta, cosines, sines);
    }

    /// <summary>The width of a head.</summary>
    public int HeadWidth { get; }

    /// <summary>The layout of the pairs.</summary>
    public bool Interleaved { get; }

    /// <summary>How many positions there are.</summary>
    public int Positions { get; }

    /// <summary>The cosines of one position.</summary>
    public ReadOnlySpan<float> Cosines(int position) => cosines.AsSpan(Start(position), HeadWidth / 2);

    /// <summary>The sines of one position.</summary>
    public ReadOnlySpan<float> Sines(int position) => sines.AsSpan(Start(position), HeadWidth / 2);

    private int Start(int position)
    {
        Require.That((uint)position < (uint)Positions, $"rope: position {position} is beyond the longest sequence, {Positions}");
        return position * (HeadWidth / 2);
    }
}
