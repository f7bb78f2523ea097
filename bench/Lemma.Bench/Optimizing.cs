using BenchmarkDotNet.Attributes;
using Lemma.Formulas;

namespace Lemma.Bench;

/// <summary>One step over 16 million parameters on one thread; floor: 28 bytes a parameter for AdamW, 4 for the norm, over the bandwidth.</summary>
[ShortRunJob]
public class Optimizing
{
    private readonly float[] parameters = Data.Normal(1 << 24), gradients = Data.Normal(1 << 24), m = new float[1 << 24], v = new float[1 << 24];

    [Benchmark]
    public void AdamWStep() => AdamW.Step(new AdamW.Numbers(1e-4f, 0.9f, 0.95f, 1e-8f, 0.1f, 3, 1), parameters, gradients, m, v);

    [Benchmark]
    public double Norm() => GradientNorm.SumOfSquares(gradients);

    [Benchmark(Baseline = true)]
    public void AdamWNaive()
    {
        for (int i = 0; i < parameters.Length; i++)
        {
            m[i] = 0.9f * m[i] + 0.1f * gradients[i];
            v[i] = 0.95f * v[i] + 0.05f * gradients[i] * gradients[i];
            float mHat = m[i] / 0.271f, vHat = v[i] / 0.142625f;
            parameters[i] -= 1e-4f * (mHat / (MathF.Sqrt(vHat) + 1e-8f) + 0.1f * parameters[i]);
        }
    }
}
