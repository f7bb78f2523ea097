using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    private const int ChannelsAPart = 256;

    /// <summary>y_t = b + Σ_{j &lt; K} w_j∘x_{t − K + 1 + j} of every sequence. See <see cref="Formulas.ShortConvolution"/>.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, d], sequence after sequence.</param>
    /// <param name="weight">[d, K].</param>
    /// <param name="bias">[d], or none.</param>
    /// <param name="lengths">The rows of each sequence; a sequence sees itself alone.</param>
    /// <returns>[rows, d].</returns>
    public static Tensor ShortConvolution(this Tape tape, Tensor x, Tensor weight, Tensor? bias, ReadOnlyMemory<int> lengths)
    {
        ConvolutionJob job = RunShortConvolution(tape, x, weight, bias, lengths, null, default, out Tensor y);
        tape.Record((x, weight, bias, y, job), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.x);
            ConvolutionJob job = s.job with { Y = (nint)tape.OutputGradient(s.y), Gradient = (nint)tape.OutputGradient(s.x) };
            tape.Workers.Counter?.Attention(job.Operations);
            tape.Workers.Run(job.Parts, job, static (in t, index) =>
                ShortConvolutionKernel.AddInputs(t.Head(index / t.Blocks), t.First(index), t.Count(index), t.GradientOf(index / t.Blocks), t.Width));
            if (tape.IsFrozen(s.weight))
                return;
            float* dweight = tape.GradientPointer(s.weight, out bool addsWeight), dbias = null;
            bool addsBias = true;
            if (s.bias is { } bias)
                dbias = tape.GradientPointer(bias, out addsBias);
            tape.Workers.Counter?.Attention(job.Operations);
            // The sums of a channel are one chain over the rows of all sequences.
            tape.Workers.Run(job.Blocks, (job, Weight: (nint)dweight, Bias: (nint)dbias, addsWeight, addsBias), static (in t, index) =>
            {
                int first = t.job.First(index), count = t.job.Count(index);
                if (!t.addsWeight)
                    new Span<float>((float*)t.Weight + (nint)first * t.job.Kernel, count * t.job.Kernel).Clear();
                if (!t.addsBias)
                    new Span<float>((float*)t.Bias + first, count).Clear();
                for (int sequence = 0; sequence < t.job.Sequences; sequence++)
                    ShortConvolutionKernel.AddWeights(t.job.Head(sequence), first, count, (float*)t.Weight, (float*)t.Bias);
            });
        });
        return y;
    }

    /// <summary>The same for sequences that go on from the rows that were read last, which are then those before the next; without a backward.</summary>
    /// <remarks>tails: the address of [K − 1, d] of each sequence; starts: how many rows it had. A row has the bits of the whole sequence's.</remarks>
    internal static Tensor ContinuedShortConvolution(this Tape tape, Tensor x, Tensor weight, Tensor? bias, ReadOnlyMemory<int> lengths, nint* tails,
        ReadOnlyMemory<int> starts)
    {
        RunShortConvolution(tape, x, weight, bias, lengths, tails, starts, out Tensor y);
        tape.RecordStop("a short convolution of a sequence that goes on", y);
        return y;
    }

    private static ConvolutionJob RunShortConvolution(Tape tape, Tensor x, Tensor weight, Tensor? bias, ReadOnlyMemory<int> lengths, nint* tails,
        ReadOnlyMemory<int> starts, out Tensor y)
    {
        int width = x.Shape.Columns;
        Require.That(weight.Shape.Rank == 2 && weight.Shape[0] == width, $"short_convolution: the weight {weight.Shape} must be [{width}, K] for x {x.Shape}");
        Require.That(bias is null || bias.Value.Shape.Count == width, $"short_convolution: the bias {bias?.Shape} must have {width} elements");
        ReadOnlyMemory<int> offsets = Offsets(tape, lengths.Span, x.Shape.Rows);
        y = tape.New(x.Shape);
        ConvolutionJob job = new((nint)tape.Pointer(x), (nint)tape.Pointer(y), (nint)tape.Pointer(weight), bias is { } b ? (nint)tape.Pointer(b) : 0, 0, width,
            weight.Shape[1], offsets, (nint)tails, starts);
        tape.Workers.Counter?.Attention(job.Operations);
        tape.Workers.Run(job.Parts, job, static (in t, index) =>
        {
            int sequence = index / t.Blocks;
            float* tail = t.Tails == 0 ? null : (float*)((nint*)t.Tails)[sequence];
            ShortConvolutionKernel.Forward(t.Head(sequence), t.First(index), t.Count(index), t.Starts.IsEmpty ? 0 : t.Starts.Span[sequence], tail, t.Width);
        });
        return job;
    }

    // A part is some channels of a sequence.
    private readonly record struct ConvolutionJob(nint X, nint Y, nint Weight, nint Bias, nint Gradient, int Width, int Kernel, ReadOnlyMemory<int> Offsets,
        nint Tails, ReadOnlyMemory<int> Starts)
    {
        public int Sequences => Offsets.Length - 1;

        public int Blocks => (Width + ChannelsAPart - 1) / ChannelsAPart;

        public int Parts => Sequences * Blocks;

        public double Operations => 2.0 * Offsets.Span[^1] * Width * Kernel;

        public int First(int index) => index % Blocks * ChannelsAPart;

        public int Count(int index) => Math.Min(ChannelsAPart, Width - First(index));

        public ShortConvolutionKernel.Head Head(int sequence)
        {
            int first = Offsets.Span[sequence];
            nint at = (nint)first * Width;
            return new((float*)X + at, Width, (float*)Y + at, Width, Offsets.Span[sequence + 1] - first, (float*)Weight, (float*)Bias, Kernel);
        }

        public float* GradientOf(int sequence) => (float*)Gradient + (nint)Offsets.Span[sequence] * Width;
    }
}
