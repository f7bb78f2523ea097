using Lemma.Compute;
using Lemma.Tensors;
using Lemma.Tests.Oracles;
using Lemma.Weights;

namespace Lemma.Tests.Tensors;

/// <summary>Norms of the heads of rows in place, beside the norms of rows.</summary>
[Trait("Kernels", "true")]
public class HeadNormTests
{
    // Rows of 3 columns before the heads and 2 behind; the norm is in place, so the operation works on a copy: its input plus zero.
    private const int Before = 3, Behind = 2;

    [Theory]
    [InlineData(5, 3, 8, 1), InlineData(5, 3, 8, 3), InlineData(41, 7, 64, 1), InlineData(41, 7, 33, 7), InlineData(9, 1, 513, 1), InlineData(1, 2, 1, 2)]
    public void Rms(int rows, int heads, int d, int gains)
    {
        int columns = Before + heads * d + Behind;
        OperationCheck.Run((tape, t) =>
        {
            Tensor copy = tape.AddNumber(t[0], 0);
            tape.HeadRmsNormInPlace(copy, Before, heads, d, t[1], 1e-2f);
            return copy;
        }, x => Twin(x[0], columns, heads, d, (line, head) => Naive.RmsNorm(line, Of(x[1], head, d), 1e-2f)), new Shape(rows, columns), new Shape(gains * d));
        OperationCheck.Run((tape, t) =>
        {
            Tensor copy = tape.AddNumber(t[0], 0);
            tape.HeadRmsNormInPlace(copy, Before, heads, d, null, 1e-2f);
            return copy;
        }, x => Twin(x[0], columns, heads, d, (line, _) => Naive.RmsNorm(line, [.. Enumerable.Repeat(1.0, d)], 1e-2f)), new Shape(rows, columns));
    }

    [Theory]
    [InlineData(5, 3, 8, 1), InlineData(5, 3, 8, 3), InlineData(41, 7, 64, 1), InlineData(41, 7, 33, 7), InlineData(9, 1, 513, 1)]
    public void Layer(int rows, int heads, int d, int gains)
    {
        int columns = Before + heads * d + Behind;
        double[] ones = [.. Enumerable.Repeat(1.0, d)], zeros = new double[d];
        OperationCheck.Run((tape, t) =>
        {
            Tensor copy = tape.AddNumber(t[0], 0);
            tape.HeadLayerNormInPlace(copy, Before, heads, d, t[1], t[2], 1e-2f);
            return copy;
        }, x => Twin(x[0], columns, heads, d, (line, head) => Naive.LayerNorm(line, Of(x[1], head, d), Of(x[2], head, d), 1e-2f)),
            new Shape(rows, columns), new Shape(gains * d), new Shape(gains * d));
        OperationCheck.Run((tape, t) =>
        {
            Tensor copy = tape.AddNumber(t[0], 0);
            tape.HeadLayerNormInPlace(copy, Before, heads, d, t[1], null, 1e-2f);
            return copy;
        }, x => Twin(x[0], columns, heads, d, (line, head) => Naive.LayerNorm(line, Of(x[1], head, d), zeros, 1e-2f)), new Shape(rows, columns),
            new Shape(gains, d));
        OperationCheck.Run((tape, t) =>
        {
            Tensor copy = tape.AddNumber(t[0], 0);
            tape.HeadLayerNormInPlace(copy, Before, heads, d, null, null, 1e-2f);
            return copy;
        }, x => Twin(x[0], columns, heads, d, (line, _) => Naive.LayerNorm(line, ones, zeros, 1e-2f)), new Shape(rows, columns));
    }

    [Fact]
    public void ARowAloneOnATapeThatDoesNotRecordHasTheSameBits()
    {
        const int Rows = 37, Heads = 5, D = 40;
        float[] x = OperationCheck.Random(Rows * Heads * D, 1), gain = OperationCheck.Random(D, 2), bias = OperationCheck.Random(D, 3);
        using Workers workers = new(2);
        using Tape tape = new(workers) { Poison = true };
        float[] Normed(ReadOnlySpan<float> rows, bool centers)
        {
            Tensor y = tape.Input(new Shape(rows.Length / (Heads * D), Heads * D), rows), g = tape.Input(new Shape(D), gain),
                b = tape.Input(new Shape(D), bias);
            if (centers)
                tape.HeadLayerNormInPlace(y, 0, Heads, D, g, b, 1e-6f);
            else
                tape.HeadRmsNormInPlace(y, 0, Heads, D, g, 1e-6f);
            return tape[y].ToArray();
        }
        foreach (bool centers in new[] { false, true })
        {
            tape.Recording = true;
            float[] together = Normed(x, centers);
            tape.Recording = false;
            for (int row = 0; row < Rows; row++)
                Assert.Equal(together[(row * Heads * D)..((row + 1) * Heads * D)], Normed(x.AsSpan(row * Heads * D, Heads * D), centers));
        }
    }

    [Fact]
    public void WhatDoesNotFitIsNamed()
    {
        using Workers workers = new(1);
        using Parameters parameters = new();
        Parameter declared = parameters.Add("x", new Shape(2, 12), decays: false);
        parameters.Allocate();
        using Tape tape = new(workers, parameters);
        Tensor x = tape.New(new Shape(2, 12)), gain = tape.New(new Shape(3));
        void Named(string part, Action operation) =>
            Assert.Contains(part, Assert.Throws<ArgumentException>(operation).Message, StringComparison.Ordinal);
        Named("4 heads of 3 from column 1 on do not fit rows of 12", () => tape.HeadRmsNormInPlace(x, 1, 4, 3, null, 1e-6f));
        Named("2147483647 heads of 3", () => tape.HeadRmsNormInPlace(x, 1, int.MaxValue, 3, null, 1e-6f));
        Named("[3] must have the 4 elements of a head, or the 12 of all", () => tape.HeadRmsNormInPlace(x, 0, 3, 4, gain, 1e-6f));
        Named("the bias [12] must have as many elements as the gain, 3",
            () => tape.HeadLayerNormInPlace(x, 0, 4, 3, gain, tape.New(new Shape(12)), 1e-6f));
        Named("must not be a parameter", () => tape.HeadRmsNormInPlace(tape.Parameter(declared), 0, 3, 4, null, 1e-6f));
    }

    private static double[] Of(double[] gains, int head, int d) => gains.Length == d ? gains : gains[(head * d)..((head + 1) * d)];

    private static double[] Twin(double[] x, int columns, int heads, int d, Func<double[], int, double[]> norm)
    {
        double[] y = [.. x];
        for (int row = 0; row < x.Length / columns; row++)
        {
            for (int head = 0; head < heads; head++)
            {
                int at = row * columns + Before + head * d;
                norm(x[at..(at + d)], head).CopyTo(y, at);
            }
        }
        return y;
    }
}
