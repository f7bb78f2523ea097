using Lemma.Compute;
using Lemma.Tensors;
using Lemma.Tests.Oracles;
using Lemma.Tests.Oracles.Twins;

namespace Lemma.Tests.Tensors;

/// <summary>Operations element by element beside their twins: every activation, plain and as a gate, sums, products and caps.</summary>
[Trait("Kernels", "true")]
public class ActivationTests
{
    public static TheoryData<Activation, int> Activations
    {
        get
        {
            TheoryData<Activation, int> cases = [];
            foreach (Activation activation in Enum.GetValues<Activation>())
            {
                foreach (int width in new[] { 1, 16, 17, 513 })
                    cases.Add(activation, width);
            }
            return cases;
        }
    }

    [Theory, MemberData(nameof(Activations))]
    public void Activate(Activation activation, int d) => OperationCheck.Run((tape, t) => tape.Activate(t[0], activation),
        x => [.. x[0].Select(value => Twin(activation, value))], 3, new Shape(5, d));

    [Theory, MemberData(nameof(Activations))]
    public void Gated(Activation activation, int width) => OperationCheck.Run((tape, t) => tape.Gated(t[0], activation),
        x => [.. Enumerable.Range(0, 41 * width).Select(i => Twin(activation, x[0][i / width * 2 * width + i % width]) * x[0][(i / width * 2
            + 1) * width + i % width])],
        new Shape(41, 2 * width));

    [Theory, InlineData(1), InlineData(16), InlineData(33), InlineData(7001)]
    public void Cap(int d) => OperationCheck.Run((tape, t) => tape.Cap(t[0], 1.5f), x => [.. x[0].Select(value => 1.5 * Math.Tanh(value / 1.5))], 2,
        new Shape(3, d));

    [Theory, InlineData(1), InlineData(33), InlineData(7001)]
    public void ScaleAndAddNumber(int d)
    {
        OperationCheck.Run((tape, t) => tape.Scale(t[0], -1.5f), x => [.. x[0].Select(value => -1.5 * value)], new Shape(3, d));
        OperationCheck.Run((tape, t) => tape.AddNumber(t[0], 0.25f), x => [.. x[0].Select(value => value + 0.25)], new Shape(3, d));
    }

    [Theory, InlineData(1), InlineData(33), InlineData(7001)]
    public void AddScaledAndMultiply(int d)
    {
        OperationCheck.Run((tape, t) => tape.AddScaled(t[0], t[1], 0.22f), x => [.. x[0].Zip(x[1], (a, b) => a + 0.22f * b)], new Shape(3, d), new Shape(3, d));
        OperationCheck.Run((tape, t) => tape.AddScaled(t[0], t[0], 0.25f), x => [.. x[0].Select(a => 1.25 * a)], new Shape(3, d));
        OperationCheck.Run((tape, t) => tape.Multiply(t[0], t[1]), x => [.. x[0].Zip(x[1], (a, b) => a * b)], new Shape(3, d), new Shape(3, d));
        OperationCheck.Run((tape, t) => tape.Multiply(t[0], t[0]), x => [.. x[0].Select(a => a * a)], new Shape(3, d));
    }

    [Fact]
    public void WhatDoesNotFitIsNamed()
    {
        using Workers workers = new(1);
        using Tape tape = new(workers);
        Tensor x = tape.New(new Shape(2, 5)), other = tape.New(new Shape(2, 6));
        void Named(string part, Action operation) =>
            Assert.Contains(part, Assert.Throws<ArgumentException>(operation).Message, StringComparison.Ordinal);
        Named("[2, 5] must be even", () => tape.Gated(x, Activation.Gelu));
        Named("[2, 5] and [2, 6] must agree", () => tape.Multiply(x, other));
        Named("[2, 5] and [2, 6] must agree", () => tape.AddScaled(x, other, 2));
        Named("it must be positive, but it is 0", () => tape.Cap(x, 0));
        Named("77 is not one of the known ones", () => tape.Activate(x, (Activation)77));
    }

    internal static double Twin(Activation activation, double x) => activation switch
    {
        Activation.SquaredRelu => Math.Max(0, x) * Math.Max(0, x),
        Activation.QuickGelu => x * TwinMath.Sigmoid(1.702 * x),
        Activation.GeluTanh => TwinMath.GeluTanh(x),
        _ => TwinMath.Activation(activation.ToString().ToLowerInvariant(), x),
    };
}
