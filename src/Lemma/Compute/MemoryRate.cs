using System.Diagnostics;
using System.Numerics.Tensors;

namespace Lemma.Compute;

/// <summary>How many bytes a second this machine reads from memory.</summary>
public static class MemoryRate
{
    private const int Elements = 1 << 27, Part = 1 << 20;

    /// <summary>The best of three passes over half a gigabyte, by all threads.</summary>
    public static double Measure(Workers workers)
    {
        float[] data = new float[Elements], sums = new float[Elements / Part];
        data.AsSpan().Fill(1);
        double best = double.MaxValue;
        for (int pass = 0; pass < 3; pass++)
        {
            long start = Stopwatch.GetTimestamp();
            workers.Run(sums.Length, (data, sums), static (in s, part) => s.sums[part] = TensorPrimitives.Sum(s.data.AsSpan(part * Part, Part)));
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return sizeof(float) * (double)Elements / best;
    }
}
