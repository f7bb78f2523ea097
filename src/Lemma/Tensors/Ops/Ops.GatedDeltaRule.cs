using Lemma.Compute;
using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>g = −e^A·ln(1 + e^(a + b)). See <see cref="Formulas.LogDecay"/>.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="a">[rows, H].</param>
    /// <param name="rate">[H]: A.</param>
    /// <param name="bias">[H]: b.</param>
    /// <returns>[rows, H].</returns>
    public static Tensor LogDecay(this Tape tape, Tensor a, Tensor rate, Tensor bias)
    {
        Require.That(rate.Shape.Count == a.Shape.Columns && bias.Shape.Count == a.Shape.Columns,
            $"log_decay: rates {rate.Shape} and biases {bias.Shape} must be as many as the columns of a {a.Shape}");
        Tensor g = tape.New(a.Shape);
        tape.Workers.Rows(a.Shape.Rows, Workers.RowsFor(a.Shape.Columns), (tape, a, rate, bias, g), static (in s, first, count) =>
            Formulas.LogDecay.Forward(RowsOf(s.tape, s.a, first, count), s.tape[s.rate], s.tape[s.bias], RowsOf(s.tape, s.g, first, count)));
        tape.Record((a, rate, bias, g), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.g))
                return;
            tape.Gradient(s.a);
            int heads = s.rate.Shape[0];
            Arena.Mark mark = tape.Scratch.Here;
            bool addsRate = false, addsBias = false;
            float* drate = tape.IsFrozen(s.rate) ? tape.Scratch.Take(heads) : tape.GradientPointer(s.rate, out addsRate);
            float* dbias = tape.IsFrozen(s.bias) ? tape.Scratch.Take(heads) : tape.GradientPointer(s.bias, out addsBias);
            // The sums of a head are one chain over the rows.
            tape.Workers.Run(1, (tape, s, Rate: (nint)drate, Bias: (nint)dbias, addsRate, addsBias), static (in t, _) =>
            {
                Span<float> rate = new((float*)t.Rate, t.s.rate.Shape[0]), bias = new((float*)t.Bias, t.s.rate.Shape[0]);
                if (!t.addsRate)
                    rate.Clear();
                if (!t.addsBias)
                    bias.Clear();
                int rows = t.s.a.Shape.Rows;
                Formulas.LogDecay.Backward(RowsOf(t.tape, t.s.a, 0, rows), t.tape[t.s.rate], t.tape[t.s.bias], RowsOf(t.tape, t.s.g, 0, rows),
                    GradientRows(t.tape, t.s.g, 0, rows), GradientRows(t.tape, t.s.a, 0, rows), rate, bias);
            });
            tape.Scratch.Rewind(mark);
        });
        return g;
    }

    /// <summary>y_t = S_tᵀ·q_t/√d, S_t = e^g·S_{t−1} + k_t·(β·(v_t − (e^g·S_{t−1})ᵀ·k_t))ᵀ of every head.</summary>
    /// <remarks>See <see cref="Formulas.GatedDeltaRule"/>.</remarks>
    /// <param name="tape">The tape.</param>
    /// <param name="query">H_k heads of d columns; H/H_k heads of values share one.</param>
    /// <param name="key">H_k heads of d columns.</param>
    /// <param name="value">H heads of d_v columns.</param>
    /// <param name="decay">[rows, H]: g.</param>
    /// <param name="beta">[rows, H]: β.</param>
    /// <param name="keyHeads">H_k.</param>
    /// <param name="width">d.</param>
    /// <param name="valueWidth">d_v.</param>
    /// <param name="lengths">The rows of each sequence; a sequence sees itself alone.</param>
    /// <returns>[rows, H·d_v].</returns>
    public static Tensor GatedDeltaRule(this Tape tape, HeadColumns query, HeadColumns key, HeadColumns value, Tensor decay, Tensor beta, int keyHeads, int width,
        int valueWidth, ReadOnlyMemory<int> lengths)
    {
        DeltaJob job = RunGatedDeltaRule(tape, query, key, value, decay, beta, keyHeads, width, valueWidth, lengths, null, out Tensor y);
        tape.Record((query, key, value, decay, beta, y, job), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.query.Tensor);
            tape.Gradient(s.key.Tensor);
            tape.Gradient(s.value.Tensor);
            tape.Gradient(s.decay);
            tape.Gradient(s.beta);
            tape.Workers.Counter?.Attention(s.job.BackwardOperations);
            DeltaJob job = s.job with { Outputs = (nint)tape.OutputGradient(s.y) }, gradients = job with
            {
                Queries = (nint)(tape.OutputGradient(s.query.Tensor) + s.query.First),
                Keys = (nint)(tape.OutputGradient(s.key.Tensor) + s.key.First),
                Values = (nint)(tape.OutputGradient(s.value.Tensor) + s.value.First),
                Decays = (nint)tape.OutputGradient(s.decay),
                Betas = (nint)tape.OutputGradient(s.beta),
            };
            // Heads that share a key add to its gradient one after another.
            tape.Workers.Run(job.Parts / job.Group, (job, gradients), static (in t, index) =>
            {
                for (int head = index * t.job.Group; head < (index + 1) * t.job.Group; head++)
                    GatedDeltaKernel.Backward(t.job.Head(head), t.gradients.Head(head));
            });
        });
        return y;
    }

    /// <summary>The same for sequences that go on from the states of what was read before, which are then those after the last row; without a backward.</summary>
    /// <remarks>states: the address of [H, d·d_v] of each sequence, zero at its beginning. A row has the bits of the whole sequence's.</remarks>
    internal static Tensor ContinuedGatedDeltaRule(this Tape tape, HeadColumns query, HeadColumns key, HeadColumns value, Tensor decay, Tensor beta, int keyHeads,
        int width, int valueWidth, ReadOnlyMemory<int> lengths, nint* states)
    {
        RunGatedDeltaRule(tape, query, key, value, decay, beta, keyHeads, width, valueWidth, lengths, states, out Tensor y);
        tape.RecordStop("a gated delta rule of a sequence that goes on", y);
        return y;
    }

    private static DeltaJob RunGatedDeltaRule(Tape tape, HeadColumns query, HeadColumns key, HeadColumns value, Tensor decay, Tensor beta, int keyHeads, int width,
        int valueWidth, ReadOnlyMemory<int> lengths, nint* states, out Tensor y)
    {
        int heads = decay.Shape.Columns, rows = decay.Shape.Rows;
        Require.That(keyHeads > 0 && heads % keyHeads == 0 && width > 0 && valueWidth > 0,
            $"gated_delta_rule: {keyHeads} heads of keys of width {width} do not divide {heads} heads of values of width {valueWidth}");
        Require.That(beta.Shape == decay.Shape, $"gated_delta_rule: β {beta.Shape} must have the shape of the decays {decay.Shape}");
        Fits(query, keyHeads * width);
        Fits(key, keyHeads * width);
        Fits(value, heads * valueWidth);
        ReadOnlyMemory<int> offsets = Offsets(tape, lengths.Span, rows);
        y = tape.New(new Shape(rows, checked(heads * valueWidth)));
        DeltaJob job = new((nint)(tape.Pointer(query.Tensor) + query.First), (nint)(tape.Pointer(key.Tensor) + key.First),
            (nint)(tape.Pointer(value.Tensor) + value.First), (nint)tape.Pointer(y), (nint)tape.Pointer(decay), (nint)tape.Pointer(beta), query.Tensor.Shape.Columns,
            key.Tensor.Shape.Columns, value.Tensor.Shape.Columns, keyHeads, heads, width, valueWidth, offsets, (nint)states);
        Require.That(job.QueryStride == job.KeyStride, $"gated_delta_rule: queries {query.Tensor.Shape} and keys {key.Tensor.Shape} must lie in rows of one width");
        tape.Workers.Counter?.Attention(job.ForwardOperations);
        tape.Workers.Run(job.Parts, job, static (in t, index) => GatedDeltaKernel.Forward(t.Head(index), t.StateOf(index)));
        return job;

        void Fits(HeadColumns columns, int count) => Require.That(columns.First >= 0 && columns.First <= columns.Tensor.Shape.Columns - count
            && columns.Tensor.Shape.Rows == rows,
            $"gated_delta_rule: {count} columns from {columns.First} on do not lie within {rows} rows of {columns.Tensor.Shape}");
    }

    // A part is a head of values of a sequence.
    private readonly record struct DeltaJob(nint Queries, nint Keys, nint Values, nint Outputs, nint Decays, nint Betas, int QueryStride, int KeyStride,
        int ValueStride, int KeyHeads, int Heads, int Width, int ValueWidth, ReadOnlyMemory<int> Offsets, nint States)
    {
        public int Parts => (Offsets.Length - 1) * Heads;

        public int Group => Heads / KeyHeads;

        // The state is read for the key and for the query, faded, and added to.
        public double ForwardOperations => 7.0 * Offsets.Span[^1] * Heads * Width * ValueWidth;

        // The states are made twice more; then six products with a state.
        public double BackwardOperations => 26.0 * Offsets.Span[^1] * Heads * Width * ValueWidth;

        public GatedDeltaHead Head(int index)
        {
            (int sequence, int head) = (index / Heads, index % Heads);
            int first = Offsets.Span[sequence];
            nint shared = (nint)(head / Group) * Width, row = (nint)first * Heads + head;
            return new GatedDeltaHead(Queries + (first * (nint)QueryStride + shared) * sizeof(float), Keys + (first * (nint)KeyStride + shared) * sizeof(float),
                Values + (first * (nint)ValueStride + (nint)head * ValueWidth) * sizeof(float), Outputs + row * ValueWidth * sizeof(float),
                Decays + row * sizeof(float), Betas + row * sizeof(float), Offsets.Span[sequence + 1] - first, Width, ValueWidth, QueryStride, ValueStride,
                (nint)Heads * ValueWidth, Heads, Heads);
        }

        public float* StateOf(int index) => States == 0 ? null : (float*)((nint*)States)[index / Heads] + (nint)(index % Heads) * Width * ValueWidth;
    }
}
