using Lemma.Compute;
using Lemma.Tensors;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Tensors;

/// <summary>Operations that take, join and repeat columns.</summary>
[Trait("Kernels", "true")]
public class ColumnTests
{
    [Theory, InlineData(1, 1, 0, 1), InlineData(5, 33, 3, 17), InlineData(41, 700, 0, 699)]
    public void Columns(int rows, int width, int first, int count) => OperationCheck.Run((tape, t) => tape.Columns(t[0], first, count),
        x => Map(rows, count, (row, column) => x[0][row * width + first + column]), new Shape(rows, width));

    [Theory, InlineData(5, 3, 7, 2, 4), InlineData(1, 1, 4, 0, 4), InlineData(40, 9, 64, 32, 32)]
    public void HeadPart(int rows, int heads, int width, int first, int count) => OperationCheck.Run((tape, t) => tape.HeadPart(t[0], heads, first, count),
        x => Map(rows, heads * count, (row, column) => x[0][(row * heads + column / count) * width + first + column % count]),
        new Shape(rows, heads * width));

    [Theory, InlineData(1, 1, 1), InlineData(5, 7, 33), InlineData(300, 64, 100)]
    public void Concatenate(int rows, int a, int b) => OperationCheck.Run((tape, t) => tape.Concatenate(t[0], t[1]),
        x => Map(rows, a + b, (row, column) => column < a ? x[0][row * a + column] : x[1][row * b + column - a]), new Shape(rows, a), new Shape(rows, b));

    [Theory, InlineData(5, 3, 4, 2, false), InlineData(5, 3, 4, 2, true), InlineData(70, 8, 33, 31, true), InlineData(2, 1, 1, 1, false)]
    public void JoinHeads(int rows, int heads, int widthA, int widthB, bool isShared)
    {
        int width = widthA + widthB, headsB = isShared ? 1 : heads;
        OperationCheck.Run((tape, t) => tape.JoinHeads(t[0], widthA, t[1], widthB, heads), x => Map(rows, heads * width, (row, column) =>
        {
            (int head, int at) = (column / width, column % width);
            return at < widthA ? x[0][(row * heads + head) * widthA + at] : x[1][(row * headsB + head % headsB) * widthB + at - widthA];
        }), new Shape(rows, heads * widthA), new Shape(rows, headsB * widthB));
    }

    [Theory, InlineData(3, 1, 65), InlineData(4, 16, 1), InlineData(50, 33, 20)]
    public void RepeatColumns(int rows, int width, int times) => OperationCheck.Run((tape, t) => tape.RepeatColumns(t[0], times),
        x => Map(rows, times * width, (row, column) => x[0][row * width + column % width]), new Shape(rows, width));

    [Fact]
    public void WhatDoesNotFitIsNamed()
    {
        using Workers workers = new(1);
        using Tape tape = new(workers);
        Tensor x = tape.New(new Shape(2, 6)), other = tape.New(new Shape(3, 6));
        void Named(string part, Action operation) =>
            Assert.Contains(part, Assert.Throws<ArgumentException>(operation).Message, StringComparison.Ordinal);
        Named("4 columns from 3 on must lie within the 6 of a row", () => tape.Columns(x, 3, 4));
        Named("2 columns from 2147483647 on", () => tape.Columns(x, int.MaxValue, 2));
        Named("2 columns from 2 on must lie within the 3 of a head", () => tape.HeadPart(x, 2, 2, 2));
        Named("4 heads do not divide the 6 columns", () => tape.HeadPart(x, 4, 0, 1));
        Named("a [2, 6] and b [3, 6] must have as many rows", () => tape.Concatenate(x, other));
        Named("must have 2 heads of 2", () => tape.JoinHeads(x, 2, x, 3, 2));
        Named("number of times must be positive, but it is 0", () => tape.RepeatColumns(x, 0));
    }

    private static double[] Map(int rows, int columns, Func<int, int, double> value) =>
        [.. Enumerable.Range(0, rows * columns).Select(i => value(i / columns, i % columns))];
}
