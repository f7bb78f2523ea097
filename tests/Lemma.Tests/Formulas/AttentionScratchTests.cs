using Lemma.Formulas;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Formulas;

/// <summary>Attention whose keys and values differ in width, longer than a chunk, or with nothing to see.</summary>
[Trait("Kernels", "true")]
public class AttentionScratchTests
{
    [Theory]
    [InlineData(5, 256, 96, 33, true, 0), InlineData(5, 256, 33, 96, true, 0), InlineData(3, 1024, 64, 128, true, 0), InlineData(3, 4096, 192, 128, true, 0)]
    [InlineData(7, 300, 1, 65, false, 0), InlineData(7, 300, 65, 1, false, 0)]
    // Longer than a chunk of 3072 keys, and than one of 1020 queries, with and without a window.
    [InlineData(2, 6500, 8, 16, true, 0), InlineData(2500, 3400, 4, 5, true, 0), InlineData(2500, 3400, 4, 5, true, 700), InlineData(1100, 6300, 4, 8, false, 0)]
    public unsafe void ValuesMayBeWiderOrNarrowerThanKeys(int queries, int keys, int width, int valueWidth, bool causal, int window)
    {
        float[] q = OperationCheck.Random(queries * width, 1), k = OperationCheck.Random(keys * width, 2), v = OperationCheck.Random(keys * valueWidth, 3);
        float[] y = new float[queries * valueWidth], logs = new float[queries], up = OperationCheck.Random(queries * valueWidth, 4);
        float[] dq = new float[q.Length], dk = new float[k.Length], dv = new float[v.Length];
        AttentionShape shape = new(queries, keys, width, valueWidth, 1, causal, window, (float)(1 / Math.Sqrt(width)));
        fixed (float* pq = q, pk = k, pv = v, py = y, pl = logs, pu = up, gq = dq, gk = dk, gv = dv)
        {
            AttentionHead head = new((nint)pq, width, (nint)pk, (nint)pv, width, valueWidth, (nint)py, valueWidth, (nint)pl, keys);
            Attention.Forward(shape, head);
            AttentionGradient.Backward(shape, head, new AttentionHeadGradient((nint)pu, (nint)gq, (nint)gk, (nint)gv));
        }
        double[] ey = new double[y.Length], eq = new double[q.Length], ek = new double[k.Length], ev = new double[v.Length];
        for (int i = 0; i < queries; i++)
        {
            (int first, int end) = (shape.First(i), shape.End(i, keys));
            double[] weights = [.. Enumerable.Range(first, end - first).Select(j => Math.Exp(shape.Scale * Dot(q, i, k, j, width)))];
            double total = weights.Sum(), along = 0;
            double[] slopes = new double[weights.Length];
            for (int j = 0; j < weights.Length; j++)
            {
                weights[j] /= total;
                for (int c = 0; c < valueWidth; c++)
                    ey[i * valueWidth + c] += weights[j] * v[(first + j) * valueWidth + c];
                slopes[j] = Dot(up, i, v, first + j, valueWidth);
                along += weights[j] * slopes[j];
            }
            for (int j = 0; j < weights.Length; j++)
            {
                double slope = weights[j] * (slopes[j] - along) * shape.Scale;
                for (int c = 0; c < width; c++)
                {
                    eq[i * width + c] += slope * k[(first + j) * width + c];
                    ek[(first + j) * width + c] += slope * q[i * width + c];
                }
                for (int c = 0; c < valueWidth; c++)
                    ev[(first + j) * valueWidth + c] += weights[j] * up[i * valueWidth + c];
            }
        }
        OperationCheck.Close("y", ey, y, 1e-5);
        OperationCheck.Close("dq", eq, dq, 3e-5);
        OperationCheck.Close("dk", ek, dk, 3e-5);
        OperationCheck.Close("dv", ev, dv, 3e-5);
    }

    [Theory, InlineData(1, 1000, 10, 5), InlineData(1, 1000, 10, -3), InlineData(4, 500, 3, 0), InlineData(1, 300, 0, int.MinValue)]
    public unsafe void WhereNothingIsSeenNothingIsWritten(int queries, int keys, int window, int length)
    {
        const int Width = 8;
        float[] q = OperationCheck.Random(queries * Width, 1), k = OperationCheck.Random(keys * Width, 2), y = new float[queries * Width], logs = new float[queries];
        float[] dq = new float[q.Length], dk = new float[k.Length], dv = new float[k.Length];
        AttentionShape shape = new(queries, keys, Width, Width, 1, Causal: true, window, 1);
        fixed (float* pq = q, pk = k, py = y, pl = logs, gq = dq, gk = dk, gv = dv)
        {
            AttentionHead head = new((nint)pq, Width, (nint)pk, (nint)pk, Width, Width, (nint)py, Width, (nint)pl, length);
            Attention.Forward(shape, head);
            AttentionGradient.Backward(shape, head, new AttentionHeadGradient((nint)pq, (nint)gq, (nint)gk, (nint)gv));
        }
        Assert.All(y.Concat(dq).Concat(dk).Concat(dv), value => Assert.Equal(0, value));
    }

    private static double Dot(float[] a, int i, float[] b, int j, int width)
    {
        double sum = 0;
        for (int c = 0; c < width; c++)
            sum += (double)a[i * width + c] * b[j * width + c];
        return sum;
    }
}
