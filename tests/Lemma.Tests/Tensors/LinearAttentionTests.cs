using Lemma.Compute;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Tensors;

/// <summary>Linear attention over sequences of unequal length: its twin, and the same bits whole, in pieces, alone and among others.</summary>
[Trait("Kernels", "true")]
public class LinearAttentionTests
{
    private const int Heads = 2, D = 16, Width = 24, All = 31;

    [Theory]
    [InlineData(1, 4, 4, new[] { 3 }), InlineData(2, 8, 5, new[] { 7, 1, 12 }), InlineData(3, 17, 33, new[] { 9 })]
    public void LinearAttention(int heads, int d, int width, int[] lengths) => OperationCheck.Run(
        (tape, t) => tape.LinearAttention(t[0], t[1], t[2], heads, lengths), x => Twin(x, heads, d, width, lengths),
        new Shape(lengths.Sum(), heads * d), new Shape(lengths.Sum(), heads * d), new Shape(lengths.Sum(), heads * width));

    [Fact]
    public void PiecesHaveTheBitsOfTheWhole()
    {
        float[] q = OperationCheck.Random(All * Heads * D, 1), k = OperationCheck.Random(All * Heads * D, 2), v = OperationCheck.Random(All * Heads * Width, 3);
        using Workers workers = new(2);
        using Tape tape = new(workers) { Poison = true };
        // Rows 0 to 18 are one sequence, the others another.
        float[] whole = tape[tape.LinearAttention(Part(tape, q, 0, All), Part(tape, k, 0, All), Part(tape, v, 0, All), Heads, new[] { 19, 12 })].ToArray();
        using SequenceState first = NewState(), second = NewState();
        void Given(int from, int count, params SequenceState[] states)
        {
            int[] lengths = states.Length == 1 ? [count] : [19 - from, count - 19 + from];
            Rows rows = new(new int[count], lengths, states);
            float[] y = tape[tape.LinearAttention(Part(tape, q, from, count), Part(tape, k, from, count), Part(tape, v, from, count), rows, Heads,
                0)].ToArray();
            for (int i = 0; i < states.Length; i++)
                states[i].Advance(lengths[i]);
            Assert.Equal(whole[(from * Heads * Width)..((from + count) * Heads * Width)], y);
        }
        Given(0, 1, first);
        Given(1, 9, first);
        using SequenceState fork = first.Fork();
        Given(10, 1, first);
        Given(11, 15, first, second);
        Given(26, 5, second);
        // A fork goes on from where it was made, and a state that was emptied begins again.
        Given(10, 9, fork);
        Assert.Equal(2 * (D * Width + D) * sizeof(float), fork.Bytes);
        Assert.Contains("sums of 19 tokens, which cannot be cut to 18", Assert.Throws<ArgumentException>(() => first.Truncate(18)).Message,
            StringComparison.Ordinal);
        first.Truncate(0);
        Given(0, 19, first);
    }

    [Fact]
    public void WhatDoesNotFitIsNamed()
    {
        using Workers workers = new(1);
        using Tape tape = new(workers);
        using SequenceState state = NewState();
        Tensor x = tape.New(new Shape(3, 4)), other = tape.New(new Shape(2, 4));
        void Named(string part, Action action) => Assert.Contains(part, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);
        Named("sum to 2, but there are 3 rows", () => tape.LinearAttention(x, x, x, 2, new[] { 2 }));
        Named("3 heads do not divide", () => tape.LinearAttention(x, x, x, 3, new[] { 3 }));
        Named("keys [2, 4] and values [3, 4] must agree", () => tape.LinearAttention(x, other, x, 2, new[] { 3 }));
        Named("it is of 2 heads of 16 and 24, but rows have 2 of 2 and 2",
            () => tape.LinearAttention(x, x, x, Rows.One(new int[3], state), 2, 0));
    }

    private static SequenceState NewState() => new(new object(), [new LinearAttentionState(Heads, D, Width)]);

    private static Tensor Part(Tape tape, float[] x, int first, int count) =>
        tape.Input(new Shape(count, x.Length / All), x.AsSpan(first * x.Length / All, count * x.Length / All));

    private static double[] Twin(double[][] x, int heads, int d, int width, int[] lengths)
    {
        static double Feature(double value) => value > 0 ? value + 1 : Math.Exp(value);
        double[] y = new double[x[2].Length];
        for (int s = 0, first = 0; s < lengths.Length; first += lengths[s++])
        {
            for (int h = 0; h < heads; h++)
            {
                for (int t = first; t < first + lengths[s]; t++)
                {
                    double total = 0;
                    for (int j = first; j <= t; j++)
                    {
                        double weight = 0;
                        for (int i = 0; i < d; i++)
                            weight += Feature(x[0][(t * heads + h) * d + i]) * Feature(x[1][(j * heads + h) * d + i]);
                        total += weight;
                        for (int i = 0; i < width; i++)
                            y[(t * heads + h) * width + i] += weight * x[2][(j * heads + h) * width + i];
                    }
                    for (int i = 0; i < width; i++)
                        y[(t * heads + h) * width + i] /= total;
                }
            }
        }
        return y;
    }
}
