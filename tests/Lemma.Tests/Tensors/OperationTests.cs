using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Tensors;
using Lemma.Tests.Oracles;
using Lemma.Tests.Oracles.Twins;

namespace Lemma.Tests.Tensors;

/// <summary>Every operation of the tape against its naive twin and finite differences, at sizes around the vector's width.</summary>
[Trait("Kernels", "true")]
public class OperationTests
{
    public static TheoryData<int> Widths => [1, 15, 16, 17, 31, 32, 33, 256, 512, 513];

    [Theory]
    [InlineData(1, 1, 1), InlineData(1, 33, 31), InlineData(2, 16, 32), InlineData(3, 385, 33), InlineData(12, 32, 64), InlineData(13, 31, 65),
     InlineData(29, 513, 17), InlineData(50, 7, 130)]
    // Several blocks of columns and of k: one thread packs x once, two threads each pack their own.
    [InlineData(14, 400, 530)]
    public void Linear(int rows, int inputs, int outputs) => OperationCheck.Run(
        (tape, t) => tape.Linear(t[0], t[1], t[2]), x => Naive.Linear(x[0], x[1], x[2], rows, inputs, outputs),
        new Shape(rows, inputs), new Shape(outputs, inputs), new Shape(outputs));

    [Theory, MemberData(nameof(Widths))]
    public void RmsNorm(int d) => OperationCheck.Run(
        (tape, t) => tape.RmsNorm(t[0], t[1], 1e-2f), x => Naive.RmsNorm(x[0], x[1], 1e-2f), new Shape(41, d), new Shape(d));

    [Theory, MemberData(nameof(Widths))]
    public void LayerNorm(int d) => OperationCheck.Run(
        (tape, t) => tape.LayerNorm(t[0], t[1], t[2], 1e-2f), x => Naive.LayerNorm(x[0], x[1], x[2], 1e-2f), new Shape(41, d), new Shape(d), new Shape(d));

    [Theory, MemberData(nameof(Widths))]
    public void SwiGlu(int width) => OperationCheck.Run(
        (tape, t) => tape.SwiGlu(t[0]), x => Naive.SwiGlu(x[0], width), new Shape(5, 2 * width));

    [Theory, MemberData(nameof(Widths))]
    public void Gelu(int d) => OperationCheck.Run((tape, t) => tape.Gelu(t[0]), x => [.. x[0].Select(TwinMath.Gelu)], 3, new Shape(3, d));

    [Theory, MemberData(nameof(Widths))]
    public void GeluTanh(int d) => OperationCheck.Run((tape, t) => tape.GeluTanh(t[0]), x => [.. x[0].Select(TwinMath.GeluTanh)], 3, new Shape(3, d));

    [Theory, MemberData(nameof(Widths))]
    public void Silu(int d) => OperationCheck.Run((tape, t) => tape.Silu(t[0]), x => [.. x[0].Select(v => v * TwinMath.Sigmoid(v))], 3, new Shape(3, d));

    [Theory, MemberData(nameof(Widths))]
    public void Add(int d) => OperationCheck.Run((tape, t) => tape.Add(t[0], t[1]), x => [.. x[0].Zip(x[1], (a, b) => a + b)], new Shape(3, d), new Shape(3, d));

    [Fact]
    public void Pick()
    {
        int[] places = [3, 0, 3, 14];
        OperationCheck.Run((tape, t) => tape.Pick(t[0], places), x => [.. places.Select(place => x[0][place])], new Shape(3, 5));
    }

    [Fact]
    public void AddOfATensorToItself() => OperationCheck.Run((tape, t) => tape.Add(t[0], t[0]), x => [.. x[0].Select(a => 2 * a)], new Shape(3, 5));

    [Theory]
    [InlineData(4), InlineData(33), InlineData(130)]
    public void Embedding(int d)
    {
        int[] ids = [3, 0, 3, 6, 3], positions = [0, 1, 2, 0, 1];
        OperationCheck.Run((tape, t) => tape.Embedding(ids, t[0], positions, t[1]),
            x => [.. Naive.Embedding(x[0], ids, d).Zip(Naive.Embedding(x[1], positions, d), (a, b) => a + b)], new Shape(7, d), new Shape(4, d));
    }

    [Theory]
    [InlineData(8, false), InlineData(8, true), InlineData(64, false), InlineData(34, true), InlineData(66, false)]
    public void Rope(int headWidth, bool interleaved)
    {
        int[] positions = [0, 1, 7, 30];
        RopeTable table = new(31, headWidth, 10000, interleaved);
        // The turn is in place, so the operation turns a copy: its input plus zero.
        OperationCheck.Run((tape, t) =>
        {
            Tensor copy = tape.Add(t[0], t[1]);
            tape.RopeInPlace(copy, 2, positions, table);
            return copy;
        }, x => Naive.Rope([.. x[0].Zip(x[1], (a, b) => a + b)], 3 * headWidth, 2, headWidth, positions, 10000, interleaved),
            new Shape(4, 3 * headWidth), new Shape(4, 3 * headWidth));
    }

    [Theory]
    [InlineData(1, 1, 1, 1, 4, true, 0), InlineData(2, 7, 4, 4, 8, true, 0), InlineData(2, 7, 4, 2, 8, true, 0), InlineData(1, 25, 3, 1, 8, false, 0)]
    [InlineData(2, 13, 2, 2, 33, true, 0), InlineData(1, 97, 2, 1, 16, true, 0), InlineData(1, 100, 1, 1, 8, true, 5), InlineData(1, 205, 1, 1, 4, true, 100)]
    [InlineData(1, 193, 1, 1, 8, true, 0), InlineData(3, 12, 2, 1, 8, false, 4), InlineData(1, 401, 1, 1, 4, false, 65)]
    public void Attention(int batch, int length, int heads, int keyValueHeads, int d, bool causal, int window)
    {
        AttentionHeads config = new(heads, keyValueHeads, d, causal, window);
        int[] lengths = [.. Enumerable.Repeat(length, batch)];
        OperationCheck.Run((tape, t) => tape.Attention(t[0], lengths, config),
            x => Naive.Attention(x[0], batch, heads, keyValueHeads, d, causal, window, null), new Shape(batch * length, config.RowWidth));
        OperationCheck.Run((tape, t) => tape.Attention(t[0], lengths, config),
            x => Naive.Attention(x[0], batch, heads, keyValueHeads, d, causal, window, null), 6, new Shape(batch * length, config.RowWidth));
    }

    [Theory, InlineData(true, 0), InlineData(false, 0), InlineData(true, 3)]
    public void SequencesOfUnequalLengthSeeThemselvesAlone(bool causal, int window)
    {
        int[] lengths = [7, 4, 1, 13];
        AttentionHeads config = new(4, 2, 8, causal, window);
        OperationCheck.Run((tape, t) => tape.Attention(t[0], lengths, config), x =>
        {
            List<double> y = [];
            foreach (int length in lengths)
            {
                int first = y.Count / 32 * config.RowWidth;
                y.AddRange(Naive.Attention(x[0][first..(first + length * config.RowWidth)], 1, 4, 2, 8, causal, window, null));
            }
            return [.. y];
        }, new Shape(25, config.RowWidth));
    }

    [Fact]
    public void AnyFormulaIsAnOperation() => OperationCheck.Run(
        (tape, t) => tape.Apply(FormulaIndex.Find("rms_norm"), new Dictionary<string, object> { ["epsilon"] = 0.01 }, ("x", t[0]), ("weight", t[1])),
        x => Naive.RmsNorm(x[0], x[1], 0.01), new Shape(5, 33), new Shape(33));

    [Fact]
    public void AFormulaWithoutAGradientStopsOne()
    {
        using Workers workers = new(1);
        using Tape tape = new(workers);
        Tensor y = tape.Apply(FormulaIndex.Find("grpo_advantages"), new Dictionary<string, object>(), ("rewards", tape.Input(new Shape(1, 3), [1, 2, 4])));
        tape.Gradient(y).Fill(1);
        Assert.Contains("grpo_advantages", Assert.Throws<InvalidOperationException>(tape.RunBackward).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 3, 7), InlineData(11, 8, 17), InlineData(40, 33, 513), InlineData(5, 16, 1000)]
    public void LinearCrossEntropy(int rows, int d, int vocabulary)
    {
        int[] targets = [.. Enumerable.Range(0, rows).Select(row => row % 4 == 3 ? CrossEntropy.Ignore : row * 7 % vocabulary)];
        OperationCheck.Run((tape, t) => tape.LinearCrossEntropy(t[0], t[1], targets),
            x => Naive.CrossEntropies(Naive.Linear(x[0], x[1], null, rows, d, vocabulary), targets), new Shape(rows, d), new Shape(vocabulary, d));
    }

    [Theory]
    [InlineData(0.1, 0), InlineData(0, 0.01), InlineData(0.2, 0.02)]
    public void CrossEntropyWithTerms(double smoothing, double weight)
    {
        int[] targets = [3, 0, CrossEntropy.Ignore, 36, 20];
        TokenLossTerms terms = new(smoothing, weight);
        double[] Losses(double[] z) => [.. targets.Select((target, row) =>
        {
            double[] own = z[(row * 37)..(row * 37 + 37)];
            double log = Math.Log(own.Sum(Math.Exp));
            return target < 0 ? 0 : (1 - smoothing) * (log - own[target]) + smoothing * own.Average(value => log - value) + weight * log * log;
        })];
        OperationCheck.Run((tape, t) => tape.CrossEntropy(t[0], targets, terms), x => Losses(x[0]), new Shape(5, 37));
        OperationCheck.Run((tape, t) => tape.LinearCrossEntropy(t[0], t[1], targets, terms), x => Losses(Naive.Linear(x[0], x[1], null, 5, 8, 37)),
            new Shape(5, 8), new Shape(37, 8));
    }

    [Fact]
    public void LinearCrossEntropyInSeveralChunks()
    {
        // 30 rows of 700,000 logits are three chunks of 24, so the backward computes the first again.
        int[] targets = [.. Enumerable.Range(0, 30).Select(row => row * 20011 % 700000)];
        float[] x = OperationCheck.Random(60, 1), weight = OperationCheck.Random(1400000, 2);
        using Workers workers = new(2);
        using Tape tape = new(workers) { Poison = true };
        Tensor tx = tape.Input(new Shape(30, 2), x), tw = tape.Input(new Shape(700000, 2), weight);
        Tensor loss = tape.Sum(tape.LinearCrossEntropy(tx, tw, targets));
        tape.Backward(loss);
        double[] logits = Naive.Linear([.. x.Select(v => (double)v)], [.. weight.Select(v => (double)v)], null, 30, 2, 700000);
        Assert.Equal(Naive.CrossEntropies(logits, targets).Sum(), tape[loss][0], 3e-3);
        double[] dx = new double[60];
        for (int row = 0; row < 30; row++)
        {
            double total = 0;
            for (int v = 0; v < 700000; v++)
                total += Math.Exp(logits[row * 700000 + v]);
            for (int v = 0; v < 700000; v++)
            {
                double slope = (Math.Exp(logits[row * 700000 + v]) / total - (v == targets[row] ? 1 : 0));
                dx[2 * row] += slope * weight[2 * v];
                dx[2 * row + 1] += slope * weight[2 * v + 1];
            }
        }
        OperationCheck.Close("dx", dx, tape.Gradient(tx), 2e-5);
    }

    [Fact]
    public void AllTargetsIgnoredGiveZero()
    {
        using Workers workers = new(1);
        using Tape tape = new(workers);
        Tensor x = tape.Input(new Shape(2, 3), new float[6]), weight = tape.Input(new Shape(5, 3), new float[15]);
        Tensor loss = tape.Sum(tape.LinearCrossEntropy(x, weight, new[] { CrossEntropy.Ignore, CrossEntropy.Ignore }));
        Assert.Equal(0, tape[loss][0]);
        tape.Backward(loss);
        Assert.All(tape.Gradient(x).ToArray(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void DropoutKeepsTheMeanAndItsMask()
    {
        using Workers workers = new(3);
        using Tape tape = new(workers);
        Tensor x = tape.Input(new Shape(40, 1001), [.. Enumerable.Repeat(1f, 40040)]);
        Tensor y = tape.Dropout(x, 0.25f, new Philox(3));
        float[] kept = tape[y].ToArray();
        Assert.Equal(0.25, kept.Count(value => value == 0) / 40040.0, 0.01);
        Assert.All(kept, value => Assert.True(value is 0 or 1 / 0.75f));
        tape.Gradient(y).Fill(1);
        tape.RunBackward();
        Assert.Equal(kept, tape.Gradient(x));
    }

    [Fact]
    public unsafe void AProductWritesNothingBesideItsMatrix()
    {
        // Every number of rows and some of columns, in a matrix with a margin that must stay as it is.
        float[] a = OperationCheck.Random(30 * 5, 1), b = OperationCheck.Random(5 * 70, 2);
        using Workers workers = new(1);
        for (int m = 1; m <= 30; m++)
        {
            foreach (int n in new[] { 1, 31, 32, 33, 64, 70 })
            {
                float[] c = [.. Enumerable.Repeat(7f, 45 * 104)];
                fixed (float* pa = a, pb = b, pc = c)
                    Ops.Product(workers, m, n, 5, Matrix.Rows(pa, 5), Matrix.Rows(pb, 70), pc, 104, add: false);
                for (int row = 0; row < 45; row++)
                {
                    for (int column = 0; column < 104; column++)
                        Assert.Equal(row >= m || column >= n, c[row * 104 + column] == 7f);
                }
            }
        }
    }
}
