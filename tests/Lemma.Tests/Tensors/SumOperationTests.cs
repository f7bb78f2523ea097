using Lemma.Compute;
using Lemma.Tensors;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Tensors;

/// <summary>Sums over parts, some elements of a tensor, and entropies: the operations that losses of sequences are made of.</summary>
[Trait("Kernels", "true")]
public class SumOperationTests
{
    private static readonly int[] Lengths = [3, 0, 1, 7, 5], Places = [9, 2, 15, 0];

    [Fact]
    public void Sums() => OperationCheck.Run((tape, t) => tape.Sums(t[0], Lengths), x =>
        [.. Lengths.Select((length, part) => x[0].Skip(Lengths[..part].Sum()).Take(length).Sum())], new Shape(4, 4));

    [Fact]
    public void Sum() => OperationCheck.Run((tape, t) => tape.Sum(t[0]), x => [x[0].Sum()], new Shape(7, 33));

    [Fact]
    public void Part() => OperationCheck.Run((tape, t) => tape.Part(t[0], 5, 6), x => x[0][5..11], new Shape(4, 4));

    [Fact]
    public void Pick() => OperationCheck.Run((tape, t) => tape.Pick(t[0], Places), x => [.. Places.Select(place => x[0][place])], new Shape(16));

    [Fact]
    public void Place() => OperationCheck.Run((tape, t) => tape.Place(t[0], Places, 16), x =>
        [.. Enumerable.Range(0, 16).Select(place => Array.IndexOf(Places, place) is >= 0 and int i ? x[0][i] : 0)], new Shape(4));

    [Theory, InlineData(1), InlineData(17), InlineData(200)]
    public void Entropies(int width) => OperationCheck.Run((tape, t) => tape.Entropies(t[0]), x => [.. Enumerable.Range(0, 5).Select(row =>
    {
        double[] e = [.. x[0].Skip(row * width).Take(width).Select(Math.Exp)];
        return -e.Sum(value => value / e.Sum() * Math.Log(value / e.Sum()));
    })], new Shape(5, width));

    [Theory, InlineData(1, false), InlineData(17, false), InlineData(200, false), InlineData(1, true), InlineData(17, true), InlineData(200, true)]
    public void Divergences(int width, bool isReverse)
    {
        float[] teacher = OperationCheck.Random(5 * width, 9);
        OperationCheck.Run((tape, t) =>
        {
            Tensor given = tape.Input(new Shape(5, width), teacher);
            return isReverse ? tape.ReverseDivergences(t[0], given) : tape.ForwardDivergences(t[0], given);
        }, x => [.. Enumerable.Range(0, 5).Select(row =>
        {
            double[] q = Shares(x[0], row), p = Shares([.. teacher.Select(value => (double)value)], row);
            return isReverse ? q.Zip(p, (a, b) => a * Math.Log(a / b)).Sum() : p.Zip(q, (a, b) => a * Math.Log(a / b)).Sum();
        })], new Shape(5, width));

        double[] Shares(double[] z, int row)
        {
            double[] e = [.. z.Skip(row * width).Take(width).Select(Math.Exp)];
            return [.. e.Select(value => value / e.Sum())];
        }
    }

    [Fact]
    public void WhatDoesNotFitIsNamed()
    {
        using Workers workers = new(1);
        using Tape tape = new(workers);
        Tensor x = tape.Input(new Shape(2, 3), new float[6]);
        Named("parts of 5 elements in all do not fit x [2, 3]", () => tape.Sums(x, new[] { 2, 3 }));
        Named("a part cannot have -1 elements", () => tape.Sums(x, new[] { 7, -1 }));
        Named("4 elements from 3 on", () => tape.Part(x, 3, 4));
        Named("2 places do not fit x [2, 3]", () => tape.Place(x, new[] { 0, 1 }, 9));

        static void Named(string part, Action action) => Assert.Contains(part, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);
    }
}
