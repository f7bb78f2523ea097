using System.Numerics.Tensors;
using Lemma.Compute;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>Some columns of every row.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, …].</param>
    /// <param name="first">The first column.</param>
    /// <param name="count">How many columns.</param>
    /// <returns>[rows, count].</returns>
    public static Tensor Columns(this Tape tape, Tensor x, int first, int count) => tape.HeadPart(x, 1, first, count);

    /// <summary>Some columns of every head of every row.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, heads·width].</param>
    /// <param name="heads">Heads.</param>
    /// <param name="first">The first column of a head.</param>
    /// <param name="count">How many columns of a head.</param>
    /// <returns>[rows, heads·count].</returns>
    internal static Tensor HeadPart(this Tape tape, Tensor x, int heads, int first, int count)
    {
        int width = HeadWidth(x, heads);
        Require.That(first >= 0 && count > 0 && first <= width - count,
            $"columns: {count} columns from {first} on must lie within the {width} of {(heads == 1 ? "a row" : "a head")}");
        Tensor y = tape.New(new Shape(x.Shape.Rows, checked(heads * count)));
        Blocks inner = new(x, first, width), all = new(y, 0, count);
        CopyBlocks(tape, heads, count, inner, all);
        tape.Record((y, inner, all, heads, count), static (tape, in s) =>
        {
            if (tape.HasGradient(s.y))
                AddBlocks(tape, s.heads, s.count, s.all, s.inner);
        });
        return y;
    }

    /// <summary>Adds to some columns of every row: y[:, first…] += b.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="y">[rows, …], whose values no operation needs for its backward.</param>
    /// <param name="first">The first column.</param>
    /// <param name="b">[rows, count].</param>
    internal static void AddToColumnsInPlace(this Tape tape, Tensor y, int first, Tensor b)
    {
        int count = b.Shape.Columns;
        Require.That(b.Shape.Rows == y.Shape.Rows && first >= 0 && first <= y.Shape.Columns - count,
            $"columns: {b.Shape} cannot be added to {y.Shape} from column {first} on");
        Require.That(!tape.IsParameter(y), $"columns: a parameter cannot be changed in place");
        Blocks inner = new(y, first, y.Shape.Columns), all = new(b, 0, count);
        MoveBlocks(tape, 1, count, all, all.Of(tape.Pointer(b)), inner, inner.Of(tape.Pointer(y)), add: true);
        tape.FreezeWith(y, y, b);
        tape.Record((y, inner, all, count), static (tape, in s) =>
        {
            if (tape.HasGradient(s.y))
                AddBlocks(tape, 1, s.count, s.inner, s.all);
        });
    }

    /// <summary>Rows [a, b].</summary>
    /// <returns>[rows, columns of a and of b].</returns>
    public static Tensor Concatenate(this Tape tape, Tensor a, Tensor b) => tape.JoinHeads(a, a.Shape.Columns, b, b.Shape.Columns, 1);

    /// <summary>Rows of heads [a_h, b_h].</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="a">[rows, heads·widthA].</param>
    /// <param name="widthA">The columns of a head of a.</param>
    /// <param name="b">[rows, heads·widthB], or [rows, widthB], which every head is given.</param>
    /// <param name="widthB">The columns of a head of b.</param>
    /// <param name="heads">Heads.</param>
    /// <returns>[rows, heads·(widthA + widthB)].</returns>
    internal static Tensor JoinHeads(this Tape tape, Tensor a, int widthA, Tensor b, int widthB, int heads)
    {
        Require.That(a.Shape.Rows == b.Shape.Rows, $"join: a {a.Shape} and b {b.Shape} must have as many rows");
        Require.That(heads > 0 && widthA > 0 && widthB > 0 && a.Shape.Columns == (long)heads * widthA
            && (b.Shape.Columns == (long)heads * widthB || b.Shape.Columns == widthB),
            $"join: a {a.Shape} must have {heads} heads of {widthA} and b {b.Shape} as many of {widthB}, or one");
        Tensor y = tape.New(new Shape(a.Shape.Rows, checked(heads * (widthA + widthB))));
        Blocks fromA = new(a, 0, widthA), fromB = new(b, 0, b.Shape.Columns == widthB ? 0 : widthB);
        Blocks toA = new(y, 0, widthA + widthB), toB = new(y, widthA, widthA + widthB);
        CopyBlocks(tape, heads, widthA, fromA, toA);
        CopyBlocks(tape, heads, widthB, fromB, toB);
        tape.Record((y, fromA, fromB, toA, toB, widthA, widthB, heads), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            AddBlocks(tape, s.heads, s.widthA, s.toA, s.fromA);
            AddBlocks(tape, s.heads, s.widthB, s.toB, s.fromB);
        });
        return y;
    }

    /// <summary>Rows [x, x, …].</summary>
    /// <remarks>x: [rows, width]; y: [rows, times·width]. dx adds the blocks in their order.</remarks>
    public static Tensor RepeatColumns(this Tape tape, Tensor x, int times)
    {
        Require.That(times > 0, $"repeat: the number of times must be positive, but it is {times}");
        int width = x.Shape.Columns;
        Tensor y = tape.New(new Shape(x.Shape.Rows, checked(times * width)));
        Blocks one = new(x, 0, 0), all = new(y, 0, width);
        CopyBlocks(tape, times, width, one, all);
        tape.Record((y, one, all, times, width), static (tape, in s) =>
        {
            if (tape.HasGradient(s.y))
                AddBlocks(tape, s.times, s.width, s.all, s.one);
        });
        return y;
    }

    // Blocks of columns of every row, a stride apart; with a stride of 0 all are one.
    private readonly record struct Blocks(Tensor Rows, int First, int Stride)
    {
        public nint Of(float* rows) => (nint)(rows + First);
    }

    private static int HeadWidth(Tensor x, int heads)
    {
        Require.That(heads > 0 && x.Shape.Columns % heads == 0, $"columns: {heads} heads do not divide the {x.Shape.Columns} columns of x {x.Shape}");
        return x.Shape.Columns / heads;
    }

    private static void CopyBlocks(Tape tape, int blocks, int width, in Blocks from, in Blocks to) =>
        MoveBlocks(tape, blocks, width, from, from.Of(tape.Pointer(from.Rows)), to, to.Of(tape.Pointer(to.Rows)), add: false);

    private static void AddBlocks(Tape tape, int blocks, int width, in Blocks from, in Blocks to)
    {
        tape.Gradient(to.Rows);
        MoveBlocks(tape, blocks, width, from, from.Of(tape.OutputGradient(from.Rows)), to, to.Of(tape.OutputGradient(to.Rows)), add: true);
    }

    private static void MoveBlocks(Tape tape, int blocks, int width, in Blocks from, nint source, in Blocks to, nint target, bool add) =>
        tape.Workers.Rows(from.Rows.Shape.Rows, Workers.RowsFor(blocks * width), (blocks, width, from, source, to, target, add),
            static (in s, first, count) =>
            {
                for (int row = first; row < first + count; row++)
                {
                    float* source = (float*)s.source + (nint)row * s.from.Rows.Shape.Columns, target = (float*)s.target + (nint)row * s.to.Rows.Shape.Columns;
                    for (int block = 0; block < s.blocks; block++, source += s.from.Stride, target += s.to.Stride)
                        MoveBlock(source, target, s.width, s.add);
                }
            });

    private static void MoveBlock(float* source, float* target, int width, bool add)
    {
        if (width == 1)
        {
            *target = add ? *target + *source : *source;
            return;
        }
        Span<float> to = new(target, width);
        ReadOnlySpan<float> from = new(source, width);
        if (add)
            TensorPrimitives.Add(to, from, to);
        else
            from.CopyTo(to);
    }
}
