using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>The steps of <see cref="ShortConvolution"/> for some channels of one sequence.</summary>
/// <remarks>A step's bits depend on the K steps that it sees alone, so a sequence may be cut anywhere and go on from its last K − 1 rows.</remarks>
internal static unsafe class ShortConvolutionKernel
{
    /// <summary>One sequence: x and y (or dy), w [channels, K] and b, which may be null.</summary>
    public readonly struct Head(float* x, nint stride, float* y, nint outputStride, int length, float* weight, float* bias, int kernel)
    {
        public float* Weight => weight;

        public float* Bias => bias;

        public int Kernel => kernel;

        public int Length => length;

        public Span<float> X(int t, int first, int count) => new(x + t * stride + first, count);

        public Span<float> Y(int t, int first, int count) => new(y + t * outputStride + first, count);
    }

    /// <summary>y of some channels; where there is a tail, [K − 1, channels], it holds the rows before the first and then those before the next.</summary>
    /// <param name="head">The sequence.</param>
    /// <param name="first">The first channel.</param>
    /// <param name="count">How many channels.</param>
    /// <param name="start">Steps before the first.</param>
    /// <param name="tail">The last K − 1 rows, or null where nothing is kept.</param>
    /// <param name="tailStride">Elements from a row of the tail to the next.</param>
    public static void Forward(in Head head, int first, int count, int start, float* tail, nint tailStride = 0)
    {
        int back = head.Kernel - 1;
        float* weights = Turned(head, first, count);
        for (int t = 0; t < head.Length; t++)
        {
            Span<float> y = head.Y(t, first, count);
            if (head.Bias == null)
                y.Clear();
            else
                new Span<float>(head.Bias + first, count).CopyTo(y);
            for (int j = 0; j <= back; j++)
            {
                int place = t - back + j;
                if (place + start < 0)
                    continue;
                ReadOnlySpan<float> x = place >= 0 ? head.X(place, first, count) : new Span<float>(tail + (back + place) * tailStride + first, count);
                TensorPrimitives.FusedMultiplyAdd(new ReadOnlySpan<float>(weights + (nint)j * count, count), x, y, y);
            }
        }
        for (int row = 0; row < back && tail != null; row++)
        {
            int place = head.Length - back + row;
            ReadOnlySpan<float> x = place >= 0 ? head.X(place, first, count) : new Span<float>(tail + (back + place) * tailStride + first, count);
            x.CopyTo(new Span<float>(tail + row * tailStride + first, count));
        }
    }

    /// <summary>dx += Σ_j w_j∘dy_{t + K − 1 − j} of some channels; the head's outputs are dy.</summary>
    public static void AddInputs(in Head head, int first, int count, float* dx, nint stride)
    {
        int back = head.Kernel - 1;
        float* weights = Turned(head, first, count);
        for (int t = 0; t < head.Length; t++)
        {
            Span<float> to = new(dx + t * stride + first, count);
            for (int j = 0; j <= back; j++)
            {
                if (t + back - j < head.Length)
                    TensorPrimitives.FusedMultiplyAdd(new ReadOnlySpan<float>(weights + (nint)j * count, count), head.Y(t + back - j, first, count), to, to);
            }
        }
    }

    /// <summary>dw_j += Σ_t dy_t∘x_{t − K + 1 + j} and db += Σ_t dy_t of some channels.</summary>
    /// <remarks>Each is one chain over the steps, which begins with what stands there.</remarks>
    public static void AddWeights(in Head head, int first, int count, float* dweight, float* dbias)
    {
        int kernel = head.Kernel, back = kernel - 1;
        float* sums = ThreadScratch.Take(kernel * count);
        Turn(dweight + (nint)first * kernel, sums, count, kernel);
        for (int t = 0; t < head.Length; t++)
        {
            ReadOnlySpan<float> up = head.Y(t, first, count);
            for (int j = Math.Max(0, back - t); j <= back; j++)
            {
                Span<float> sum = new(sums + (nint)j * count, count);
                TensorPrimitives.FusedMultiplyAdd(up, head.X(t - back + j, first, count), sum, sum);
            }
            if (dbias != null)
            {
                Span<float> sum = new(dbias + first, count);
                TensorPrimitives.Add(sum, up, sum);
            }
        }
        Turn(sums, dweight + (nint)first * kernel, kernel, count);
    }

    // [K, count] of the weights of some channels.
    private static float* Turned(in Head head, int first, int count)
    {
        float* weights = ThreadScratch.Take(head.Kernel * count);
        Turn(head.Weight + (nint)first * head.Kernel, weights, count, head.Kernel);
        return weights;
    }

    private static void Turn(float* from, float* to, int rows, int columns)
    {
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
                to[(nint)column * rows + row] = from[(nint)row * columns + column];
        }
    }
}
