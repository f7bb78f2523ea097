using Lemma.Compute;
using Lemma.Tensors;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Tensors;

public class TapeTests
{
    [Fact]
    public void ATensorIsRefusedAfterItsRewind()
    {
        using Workers workers = new(1);
        using Tape tape = new(workers);
        Tensor old = tape.New(new Shape(4));
        tape.Rewind();
        Tensor young = tape.New(new Shape(4));
        Assert.Contains("after the tape was rewound", Assert.Throws<InvalidOperationException>(() => tape[old].Length).Message, StringComparison.Ordinal);
        Assert.Equal(4, tape[young].Length);
    }

    [Fact]
    public void AMarkKeepsWhatCameBefore()
    {
        using Workers workers = new(1);
        using Tape tape = new(workers);
        Tensor before = tape.Input(new Shape(2), [1, 2]);
        Tape.Mark mark = tape.Here;
        Tensor after = tape.Add(before, before);
        tape.Rewind(mark);
        Assert.Equal([1f, 2f], tape[before]);
        Assert.Throws<InvalidOperationException>(() => tape[after].Length);
    }

    [Fact]
    public void GradientsAreLinearInTheSeed()
    {
        int[] targets = [1, 2, 0];
        float[] x = OperationCheck.Random(12, 1), weight = OperationCheck.Random(20, 2);
        float[] GradientFor(float seed)
        {
            using Workers workers = new(2);
            using Tape tape = new(workers);
            Tensor tx = tape.Input(new Shape(3, 4), x), tw = tape.Input(new Shape(5, 4), weight);
            tape.Backward(tape.Sum(tape.LinearCrossEntropy(tape.Silu(tx), tw, targets)), seed);
            return tape.Gradient(tx).ToArray();
        }
        Assert.Equal(GradientFor(1).Select(value => 4 * value), GradientFor(4));
    }

    [Fact]
    public void AStopThrowsWhenAGradientArrives()
    {
        using Workers workers = new(1);
        using Tape tape = new(workers);
        Tensor x = tape.Input(new Shape(3, 4), new float[12]);
        tape.RecordStop("a stop", x);
        Tensor loss = tape.Sum(tape.LinearCrossEntropy(x, tape.Input(new Shape(5, 4), new float[20]), new[] { 1, 2, 3 }));
        Assert.Contains("a stop", Assert.Throws<InvalidOperationException>(() => tape.Backward(loss)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WrongShapesNameTheRuleAndTheValues()
    {
        using Workers workers = new(1);
        using Tape tape = new(workers);
        Tensor x = tape.New(new Shape(2, 3)), weight = tape.New(new Shape(5, 4));
        Assert.Equal("linear: the weight [5, 4] must be [out, 3] for x [2, 3]", Assert.Throws<ArgumentException>(() => tape.Linear(x, weight)).Message);
        Assert.Equal("rms_norm: the gain [5, 4] must match the last axis of x [2, 3]", Assert.Throws<ArgumentException>(() => tape.RmsNorm(x, weight)).Message);
    }

    [Theory]
    [InlineData(1), InlineData(2), InlineData(5)]
    public void WorkersRunEveryPartOnce(int threads)
    {
        using Workers workers = new(threads);
        int[] hits = new int[1000];
        for (int job = 0; job < 200; job++)
            workers.Run(hits.Length, hits, static (in hits, index) => Interlocked.Increment(ref hits[index]));
        Assert.All(hits, hit => Assert.Equal(200, hit));
    }

    [Fact]
    public void AFailureInAPartReachesTheCaller()
    {
        using Workers workers = new(3);
        ArithmeticException error = Assert.Throws<ArithmeticException>(() =>
            workers.Run(10, 0, static (in _, index) => throw new ArithmeticException($"part {index}")));
        Assert.Equal("part 0", error.Message);
        int done = 0;
        workers.Run(10, 0, (in _, _) => Interlocked.Increment(ref done));
        Assert.Equal(10, done);
    }
}
