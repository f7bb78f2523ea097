using BenchmarkDotNet.Attributes;
using Lemma.Tensors;

namespace Lemma.Bench;

/// <summary>Causal attention, 8 heads of 64, beside a naive twin; floor: 2·T²·H·d_h FLOPs forward, 2.5 times that backward, over the peak.</summary>
[ShortRunJob]
public class Attentions
{
    private readonly Workers workers = new(1);
    private float[] x = [];
    private Tape? tape;

    [Params(256, 1024)]
    public int Length { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        x = Data.Normal(Length * 3L * 512);
        tape = new Tape(workers);
    }

    [Benchmark]
    public void Forward() => Step(backward: false);

    [Benchmark]
    public void ForwardAndBackward() => Step(backward: true);

    [Benchmark(Baseline = true)]
    public float Naive()
    {
        float last = 0;
        float[] scores = new float[Length];
        for (int h = 0; h < 8; h++)
        {
            for (int i = 0; i < Length; i++)
            {
                float total = 0;
                for (int j = 0; j <= i; j++)
                {
                    float dot = 0;
                    for (int k = 0; k < 64; k++)
                        dot += x[i * 1536 + h * 64 + k] * x[j * 1536 + 512 + h * 64 + k];
                    total += scores[j] = MathF.Exp(dot / 8);
                }
                for (int k = 0; k < 64; k++)
                {
                    last = 0;
                    for (int j = 0; j <= i; j++)
                        last += scores[j] / total * x[j * 1536 + 1024 + h * 64 + k];
                }
            }
        }
        return last;
    }

    private void Step(bool backward)
    {
        Tensor input = tape!.Input(new Shape(Length, 1536), x);
        Tensor y = tape.Attention(input, 1, new AttentionHeads(8, 8, 64));
        if (backward)
        {
            tape.Gradient(y).Fill(1);
            tape.RunBackward();
        }
        tape.Rewind();
    }
}
