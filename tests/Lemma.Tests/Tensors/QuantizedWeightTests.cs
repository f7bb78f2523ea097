using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Tensors;
using Lemma.Tests.Formulas;
using Lemma.Weights;

namespace Lemma.Tests.Tensors;

/// <summary>Operations with quantized parameters: products by pieces of several layouts, looked-up rows, gradients that pass through.</summary>
[Trait("Kernels", "true")]
public sealed class QuantizedWeightTests
{
    private const int Columns = 512, Rows = 16 + 40 + 24;

    [Theory]
    [InlineData(1), InlineData(2), InlineData(3)]
    public void AProductIsThatOfItsPieces(int threads)
    {
        using Weight weight = new();
        using Workers workers = new(threads);
        using Tape tape = new(workers, weight.Parameters) { Recording = false };
        foreach (int m in (ReadOnlySpan<int>)[1, 3, 4, 300])
        {
            float[] x = QuantizedCases.Rows(m, Columns);
            Tensor y = tape.Linear(tape.Input(new Shape(m, Columns), x), tape.Parameter(weight.Matrix), tape.Parameter(weight.Bias));
            float[] first = weight.First.Multiply(x, m), second = weight.Second.Multiply(x, m);
            for (int row = 0; row < m; row++)
            {
                for (int j = 0; j < 16 + 40; j++)
                    Assert.Equal((j < 16 ? first[row * 16 + j] : second[row * 40 + j - 16]) + 0.25f, tape[y][row * Rows + j]);
                // Floats have the bits of any product of floats.
                double exact = 0.25;
                for (int i = 0; i < Columns; i++)
                    exact += (double)x[row * Columns + i] * weight.Plain[5 * Columns + i];
                Assert.Equal(exact, tape[y][row * Rows + 56 + 5], 1e-3);
            }
            tape.Rewind();
        }
    }

    [Theory]
    [InlineData(HalfKind.Brain), InlineData(HalfKind.Half)]
    public void NumbersOf16BitsHaveTheProductsOfTheirFloats(HalfKind kind)
    {
        const int N = 45, K = 500;
        using Parameters plain = new(), halves = new();
        Parameter own = plain.Add("w", new Shape(N, K), decays: true), stored = halves.Add("w", new Shape(N, K), decays: true);
        own.TakesPanels = stored.TakesPanels = true;
        WeightPiece piece = new(kind, 0, N, K);
        ushort[] bits = new ushort[N * K];
        Random random = new(1);
        for (int i = 0; i < bits.Length; i++)
            bits[i] = kind == HalfKind.Brain ? (ushort)(BitConverter.SingleToUInt32Bits(random.NextSingle() - 0.5f) >> 16)
                : BitConverter.HalfToUInt16Bits(i % 50 == 7 ? (Half)1e-7f : (Half)(random.NextSingle() - 0.5f));
        halves.Quantize(stored, [piece]);
        halves.Allocate();
        for (int row = 0; row < N; row++)
            piece.Put(row, bits.AsSpan(row * K, K));
        plain.Allocate();
        halves.CopyRows(stored, 0, plain.Weights(own));
        Assert.Equal(kind == HalfKind.Brain ? BitConverter.UInt32BitsToSingle((uint)bits[^1] << 16) : (float)BitConverter.UInt16BitsToHalf(bits[^1]), plain.Weights(own)[^1]);
        using Workers workers = new(2);
        using Tape one = new(workers, plain) { Recording = false }, two = new(workers, halves) { Recording = false };
        foreach (int m in (ReadOnlySpan<int>)[1, 3, 30, 200])
        {
            float[] x = QuantizedCases.Rows(m, K);
            Tensor expected = one.Linear(one.Input(new Shape(m, K), x), one.Parameter(own)), y = two.Linear(two.Input(new Shape(m, K), x), two.Parameter(stored));
            Assert.Equal(one[expected].ToArray(), two[y].ToArray());
        }
    }

    [Fact]
    public void RowsAreLookedUp()
    {
        using Weight weight = new();
        using Workers workers = new(2);
        using Tape tape = new(workers, weight.Parameters);
        int[] ids = [0, 15, 16, 55, 56, 79, 3];
        Tensor y = tape.Embedding(ids, tape.Parameter(weight.Matrix));
        for (int i = 0; i < ids.Length; i++)
            Assert.Equal(weight.RowOf(ids[i]), tape[y].Slice(i * Columns, Columns).ToArray());
        float[] copied = new float[2 * Columns];
        weight.Parameters.CopyRows(weight.Matrix, 55, copied);
        Assert.Equal([.. weight.RowOf(55), .. weight.RowOf(56)], copied);
        Assert.Contains("id 80", Assert.Throws<ArgumentException>(() => tape.Embedding(new[] { 80 }, tape.Parameter(weight.Matrix))).Message);
    }

    [Fact]
    public void GradientsPassThrough()
    {
        using Weight weight = new();
        weight.Parameters.IsFrozen = true;
        using Workers workers = new(2);
        using Tape tape = new(workers, weight.Parameters);
        Tensor x = tape.Input(new Shape(2, Columns), QuantizedCases.Rows(2, Columns));
        Tensor y = tape.Linear(x, tape.Parameter(weight.Matrix));
        float[] dy = QuantizedCases.Rows(2, Rows);
        dy.CopyTo(tape.Gradient(y));
        tape.RunBackward();
        for (int i = 0; i < Columns; i += 37)
        {
            double exact = 0;
            for (int j = 0; j < Rows; j++)
                exact += (double)dy[Rows + j] * weight.RowOf(j)[i];
            Assert.Equal(exact, tape.Gradient(x)[Columns + i], 1e-3 * Math.Max(1, Math.Abs(exact)));
        }
    }

    [Fact]
    public void TheyTakeTheirBytesAndDoNotLearn()
    {
        using Weight weight = new();
        long bytes = QuantizedCases.All[7].PanelBytes(Columns) + 3 * QuantizedCases.All[9].PanelBytes(Columns) + 24 * Columns * sizeof(float);
        Assert.Equal(bytes + 80 * sizeof(float), weight.Parameters.WeightBytes);
        Assert.True(weight.Parameters.AreQuantized);
        Assert.Contains("quantized", Assert.Throws<InvalidOperationException>(() => weight.Parameters.Weights(weight.Matrix)[0]).Message);
        Assert.Contains("do not learn", Assert.Throws<ArgumentException>(() => weight.Parameters.AllocateTrainingState()).Message);
        using Parameters other = new();
        Parameter matrix = other.Add("w", new Shape(32, Columns), decays: true);
        matrix.TakesPanels = true;
        WeightPiece half = new(QuantizedCases.All[7], 0, 16, Columns), gap = new(QuantizedCases.All[7], 17, 15, Columns);
        Assert.Contains("have 16 rows", Assert.Throws<ArgumentException>(() => other.Quantize(matrix, [half])).Message);
        Assert.Contains("begins at row 17", Assert.Throws<ArgumentException>(() => other.Quantize(matrix, [half, gap])).Message);
        Assert.Contains("multiple of 256", Assert.Throws<ArgumentException>(() => new WeightPiece(QuantizedCases.All[7], 0, 16, 128)).Message);
    }

    private sealed unsafe class Weight : IDisposable
    {
        public Weight()
        {
            Matrix = Parameters.Add("matrix", new Shape(Rows, Columns), decays: true);
            Matrix.TakesPanels = true;
            Bias = Parameters.Add("bias", new Shape(Rows), decays: false);
            WeightPiece one = new(First.Layout, 0, 16, Columns), two = new(Second.Layout, 16, 40, Columns), three = new(null, 56, 24, Columns);
            Parameters.Quantize(Matrix, [one, two, three]);
            Parameters.Allocate();
            foreach ((WeightPiece piece, QuantizedCases source) in new[] { (one, First), (two, Second) })
            {
                for (int panel = 0; panel < piece.Panels; panel++)
                {
                    int bytes = (int)piece.Layout!.PanelBytes(Columns);
                    source.Panels.AsSpan(panel * bytes, bytes).CopyTo(new Span<byte>(piece.Panel(panel), bytes));
                }
            }
            Plain = QuantizedCases.Rows(24, Columns);
            Plain.CopyTo(three.Floats(0, 24));
            Parameters.Weights(Bias).Fill(0.25f);
        }

        public Parameters Parameters { get; } = new();

        public Parameter Matrix { get; }

        public Parameter Bias { get; }

        public QuantizedCases First { get; } = new(QuantizedCases.All[7], 16, Columns, 1);

        public QuantizedCases Second { get; } = new(QuantizedCases.All[9], 40, Columns, 2);

        public float[] Plain { get; }

        public float[] RowOf(int row) => row < 16 ? First.Values[(row * Columns)..((row + 1) * Columns)]
            : row < 56 ? Second.Values[((row - 16) * Columns)..((row - 15) * Columns)] : Plain[((row - 56) * Columns)..((row - 55) * Columns)];

        public void Dispose() => Parameters.Dispose();
    }
}
