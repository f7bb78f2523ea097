using Lemma.Compute;
using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>y_t = φ(q_t)·S_t/(φ(q_t)·z_t) of every head of every sequence, causal. See <see cref="Formulas.LinearAttention"/>.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="queries">[rows, H·d], sequence after sequence.</param>
    /// <param name="keys">[rows, H·d].</param>
    /// <param name="values">[rows, H·d_v].</param>
    /// <param name="heads">H.</param>
    /// <param name="lengths">The rows of each sequence; a sequence sees itself alone.</param>
    /// <returns>[rows, H·d_v].</returns>
    public static Tensor LinearAttention(this Tape tape, Tensor queries, Tensor keys, Tensor values, int heads, ReadOnlyMemory<int> lengths)
    {
        LinearJob job = RunLinearAttention(tape, queries, keys, values, heads, lengths, null, out Tensor y);
        tape.Record((queries, keys, values, y, job), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.queries);
            tape.Gradient(s.keys);
            tape.Gradient(s.values);
            tape.Workers.Counter?.Attention(s.job.BackwardOperations);
            Arena.Mark mark = tape.Scratch.Here;
            LinearJob gradients = s.job with
            {
                Queries = (nint)tape.OutputGradient(s.queries),
                Keys = (nint)tape.OutputGradient(s.keys),
                Values = (nint)tape.OutputGradient(s.values),
                Outputs = (nint)tape.OutputGradient(s.y),
            };
            nint inverses = (nint)tape.Scratch.Take((long)s.y.Shape.Rows * s.job.Heads);
            tape.Workers.Run(s.job.Parts, (s.job, gradients, inverses, s.y.Shape.Rows), static (in t, index) =>
            {
                LinearAttentionHead head = t.job.Head(index);
                nint place = (nint)(index % t.job.Heads) * t.Rows + t.job.Offsets.Span[index / t.job.Heads];
                LinearAttentionKernel.Backward(head, t.gradients.Head(index), causal: true, new Span<float>((float*)t.inverses + place, head.Length));
            });
            tape.Scratch.Rewind(mark);
        });
        return y;
    }

    /// <summary>The same for sequences that go on from sums of what was read before, which are then those after the last row; without a backward.</summary>
    /// <remarks>sums: the address of [H, d·d_v + d] of each sequence, zero at its beginning. A row has the bits of the whole sequence's.</remarks>
    internal static Tensor ContinuedLinearAttention(this Tape tape, Tensor queries, Tensor keys, Tensor values, int heads, ReadOnlyMemory<int> lengths,
        nint* sums)
    {
        RunLinearAttention(tape, queries, keys, values, heads, lengths, sums, out Tensor y);
        tape.RecordStop("linear attention of a sequence that goes on", y);
        return y;
    }

    private static LinearJob RunLinearAttention(Tape tape, Tensor queries, Tensor keys, Tensor values, int heads, ReadOnlyMemory<int> lengths,
        nint* sums, out Tensor y)
    {
        Require.That(heads > 0 && queries.Shape.Columns % heads == 0 && values.Shape.Columns % heads == 0,
            $"linear_attention: {heads} heads do not divide queries {queries.Shape} and values {values.Shape}");
        int rows = queries.Shape.Rows, width = queries.Shape.Columns / heads, valueWidth = values.Shape.Columns / heads;
        Require.That(keys.Shape.Rows == rows && keys.Shape.Columns == queries.Shape.Columns && values.Shape.Rows == rows,
            $"linear_attention: queries {queries.Shape}, keys {keys.Shape} and values {values.Shape} must agree");
        ReadOnlyMemory<int> offsets = Offsets(tape, lengths.Span, rows);
        y = tape.New(new Shape(rows, heads * valueWidth));
        LinearJob job = new((nint)tape.Pointer(queries), (nint)tape.Pointer(keys), (nint)tape.Pointer(values), (nint)tape.Pointer(y), heads, width, valueWidth,
            offsets, (nint)sums);
        tape.Workers.Counter?.Attention(job.ForwardOperations);
        tape.Workers.Run(job.Parts, job, static (in s, index) => LinearAttentionKernel.Forward(s.Head(index), causal: true, s.SumsOf(index)));
        return job;
    }

    // A part is a head of a sequence.
    private readonly record struct LinearJob(nint Queries, nint Keys, nint Values, nint Outputs, int Heads, int Width, int ValueWidth,
        ReadOnlyMemory<int> Offsets, nint Sums)
    {
        public int Parts => (Offsets.Length - 1) * Heads;

        // Each key and value are added to the matrix, each query is multiplied with it; so are the gradients of the three.
        public double ForwardOperations => 4.0 * Offsets.Span[^1] * Heads * Width * ValueWidth;

        public double BackwardOperations => 3 * ForwardOperations;

        public LinearAttentionHead Head(int index)
        {
            (int sequence, int head) = (index / Heads, index % Heads);
            int first = Offsets.Span[sequence];
            nint narrow = ((nint)first * Heads + head) * Width * sizeof(float), wide = ((nint)first * Heads + head) * ValueWidth * sizeof(float);
            return new LinearAttentionHead(Queries + narrow, Keys + narrow, Values + wide, Outputs + wide, Offsets.Span[sequence + 1] - first,
                Width, ValueWidth, Heads * Width, Heads * ValueWidth);
        }

        public float* SumsOf(int index) => Sums == 0 ? null
            : (float*)((nint*)Sums)[index / Heads] + (nint)(index % Heads) * LinearAttentionKernel.SumsSize(Width, ValueWidth);
    }
}
