using BenchmarkDotNet.Attributes;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Bench;

/// <summary>C = A·B beside three loops; floor: 2·m·n·k FLOPs over the peak.</summary>
[ShortRunJob]
public unsafe class MatrixProducts
{
    private float[] a = [], b = [], c = [];
    private Workers? workers;

    /// <summary>m × n × k.</summary>
    [Params("512x512x512", "1024x1024x1024", "2048x2048x2048", "256x3072x768", "100x100x100", "1x4096x768")]
    public string Size { get; set; } = "";

    [Params(1, 2)]
    public int Threads { get; set; }

    private (int M, int N, int K) Sizes => Size.Split('x') is [var m, var n, var k] ? (int.Parse(m), int.Parse(n), int.Parse(k)) : default;

    [GlobalSetup]
    public void Setup()
    {
        (int m, int n, int k) = Sizes;
        workers = new Workers(Threads);
        (a, b, c) = (Data.Normal((long)m * k), Data.Normal((long)n * k), new float[m * n]);
    }

    [GlobalCleanup]
    public void Cleanup() => workers?.Dispose();

    [Benchmark]
    public void Tiled()
    {
        (int m, int n, int k) = Sizes;
        fixed (float* pa = a, pb = b, pc = c)
            Ops.Product(workers!, m, n, k, Matrix.Rows(pa, k), Matrix.Rows(pb, k).Transposed, pc, n, add: false);
    }

    [Benchmark(Baseline = true)]
    public void Naive()
    {
        (int m, int n, int k) = Sizes;
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                float sum = 0;
                for (int t = 0; t < k; t++)
                    sum += a[i * k + t] * b[j * k + t];
                c[i * n + j] = sum;
            }
        }
    }
}
