using BenchmarkDotNet.Attributes;
using Lemma.Formulas;

namespace Lemma.Bench;

/// <summary>Row-wise and element-wise formulas at 512 × 4096 on one thread, beside naive loops; floor: bytes over bandwidth.</summary>
[ShortRunJob]
public class RowFormulas
{
    private const int Rows = 512, Width = 4096;
    private readonly float[] x = Data.Normal(Rows * Width), up = Data.Normal(Rows * Width), y = new float[Rows * Width], dx = new float[Rows * Width];
    private readonly float[] gain = Data.Normal(Width), bias = Data.Normal(Width), r = new float[Rows], mean = new float[Rows];
    private readonly float[] dgain = new float[Width], dbias = new float[Width], losses = new float[Rows], logs = new float[Rows];
    private readonly int[] targets = [.. Enumerable.Range(0, Rows)];

    [Benchmark]
    public void RmsNormForward() => RmsNorm.Forward(x, gain, 1e-5f, y, r);

    [Benchmark]
    public void RmsNormBackward() => RmsNorm.Backward(x, gain, r, up, dx, dgain);

    [Benchmark]
    public void RmsNormNaive()
    {
        for (int row = 0; row < Rows; row++)
        {
            double squares = 0;
            for (int i = 0; i < Width; i++)
                squares += x[row * Width + i] * x[row * Width + i];
            float scale = (float)(1 / Math.Sqrt(squares / Width + 1e-5));
            for (int i = 0; i < Width; i++)
                y[row * Width + i] = x[row * Width + i] * scale * gain[i];
        }
    }

    [Benchmark]
    public void LayerNormForward() => LayerNorm.Forward(x, gain, bias, 1e-5f, y, mean, r);

    [Benchmark]
    public void LayerNormBackward() => LayerNorm.Backward(x, gain, mean, r, up, dx, dgain, dbias);

    [Benchmark]
    public void GeluForward() => Gelu.Forward(x, y);

    [Benchmark]
    public void GeluBackward() => Gelu.Backward(x, up, dx);

    [Benchmark]
    public void GeluTanhForward() => GeluTanh.Forward(x, y);

    [Benchmark]
    public void GeluTanhBackward() => GeluTanh.Backward(x, up, dx);

    [Benchmark]
    public void GeluTanhNaive()
    {
        for (int i = 0; i < x.Length; i++)
            y[i] = 0.5f * x[i] * (1 + MathF.Tanh(0.797884561f * (x[i] + 0.044715f * x[i] * x[i] * x[i])));
    }

    [Benchmark]
    public void SiluForward() => Silu.Forward(x, y);

    [Benchmark]
    public void SiluBackward() => Silu.Backward(x, up, dx);

    [Benchmark]
    public void SwiGluForward() => SwiGlu.Forward(x, Width / 2, y.AsSpan(0, Rows * Width / 2));

    [Benchmark]
    public void SwiGluBackward() => SwiGlu.Backward(x, Width / 2, up.AsSpan(0, Rows * Width / 2), dx);

    [Benchmark]
    public void CrossEntropyForward() => CrossEntropy.Forward(x, targets, losses, logs);

    [Benchmark]
    public void DropoutForward() => Dropout.Forward(x, 0.1f, new Philox(1), 0, y);
}
