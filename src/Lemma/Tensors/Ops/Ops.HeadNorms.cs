using Lemma.Compute;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>y = x·r·g, r = 1/√(mean x² + ε), of each head of every row, in place. See <see cref="Formulas.RmsNorm"/>.</summary>
    /// <remarks>In place: no operation that made x may need its values, as none of <see cref="Linear"/>'s kind does.</remarks>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, …], no parameter.</param>
    /// <param name="firstColumn">The first column of the first head.</param>
    /// <param name="heads">Heads, one after the other; 1 for a norm over all columns.</param>
    /// <param name="headWidth">Columns of a head.</param>
    /// <param name="gain">g: headWidth elements, or heads·headWidth for a gain a head; null for 1.</param>
    /// <param name="epsilon">ε.</param>
    internal static void HeadRmsNormInPlace(this Tape tape, Tensor x, int firstColumn, int heads, int headWidth, Tensor? gain, float epsilon) =>
        NormHeads(tape, new HeadNorm(x, firstColumn, heads, headWidth, epsilon, Centers: false), gain, null);

    /// <summary>y = γ(x − μ)/√(σ² + ε) + β of each head of every row, in place. See <see cref="Formulas.LayerNorm"/>.</summary>
    /// <remarks>In place: no operation that made x may need its values, as none of <see cref="Linear"/>'s kind does.</remarks>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, …], no parameter.</param>
    /// <param name="firstColumn">The first column of the first head.</param>
    /// <param name="heads">Heads, one after the other; 1 for a norm over all columns.</param>
    /// <param name="headWidth">Columns of a head.</param>
    /// <param name="gain">γ: headWidth elements, or heads·headWidth for a gain a head; null for 1.</param>
    /// <param name="bias">β, as many as γ; null for 0.</param>
    /// <param name="epsilon">ε.</param>
    internal static void HeadLayerNormInPlace(this Tape tape, Tensor x, int firstColumn, int heads, int headWidth, Tensor? gain, Tensor? bias,
        float epsilon) => NormHeads(tape, new HeadNorm(x, firstColumn, heads, headWidth, epsilon, Centers: true), gain, bias);

    private readonly record struct HeadNorm(Tensor X, int First, int Heads, int HeadWidth, float Epsilon, bool Centers)
    {
        public int Width => Heads * HeadWidth;

        public Span<float> Row(float* rows, int row) => new(rows + (nint)row * X.Shape.Columns + First, Width);

        public int RowsAPart => Workers.RowsFor(Width);

        // Heads that share a gain are rows of one call.
        public int Together(int gains) => gains == HeadWidth ? Heads : 1;
    }

    // What is kept: x before the norm, μ and r of each head.
    private readonly record struct HeadNormKept(Tensor Gain, Tensor Bias, bool HasGain, bool HasBias, Tensor Mean, Tensor Scale, Tensor Before);

    private static void NormHeads(Tape tape, in HeadNorm norm, Tensor? gain, Tensor? bias)
    {
        string name = norm.Centers ? "head_layer_norm" : "head_rms_norm";
        Tensor x = norm.X;
        Require.That(norm is { First: >= 0, Heads: > 0, HeadWidth: > 0 } && norm.First + (long)norm.Heads * norm.HeadWidth <= x.Shape.Columns,
            $"{name}: {norm.Heads} heads of {norm.HeadWidth} from column {norm.First} on do not fit rows of {x.Shape.Columns}");
        long gains = gain?.Shape.Count ?? bias?.Shape.Count ?? norm.HeadWidth;
        Require.That(gains == norm.HeadWidth || gains == norm.Width,
            $"{name}: the gain {(gain ?? bias)?.Shape} must have the {norm.HeadWidth} elements of a head, or the {norm.Width} of all");
        Require.That(bias is null || bias.Value.Shape.Count == gains, $"{name}: the bias {bias?.Shape} must have as many elements as the gain, {gains}");
        Require.That(!tape.IsParameter(x), $"{name}: it works in place, so x {x.Shape} must not be a parameter");
        Shape heads = new(x.Shape.Rows, norm.Heads);
        HeadNormKept kept = new(gain ?? Filled(tape, (int)gains, 1), bias ?? Filled(tape, (int)gains, 0), gain is not null, bias is not null,
            tape.New(heads), tape.New(heads), tape.Recording ? tape.New(new Shape(x.Shape.Rows, norm.Width)) : x);
        tape.Workers.Rows(x.Shape.Rows, norm.RowsAPart, (tape, norm, kept), static (in s, first, count) =>
        {
            for (int row = first; row < first + count; row++)
                NormRow(s.tape, s.norm, s.kept, row);
        });
        tape.Record((norm, kept), static (tape, in s) =>
        {
            if (tape.HasGradient(s.norm.X))
                NormBackward(tape, s.norm, s.kept);
        });
    }

    private static Tensor Filled(Tape tape, int count, float value)
    {
        Tensor filled = tape.New(new Shape(count));
        tape[filled].Fill(value);
        return filled;
    }

    private static void NormRow(Tape tape, in HeadNorm norm, in HeadNormKept kept, int row)
    {
        Span<float> y = norm.Row(tape.Pointer(norm.X), row), x = y;
        if (kept.Before != norm.X)
        {
            x = RowsOf(tape, kept.Before, row, 1);
            y.CopyTo(x);
        }
        Span<float> gains = tape[kept.Gain], biases = tape[kept.Bias], mean = RowsOf(tape, kept.Mean, row, 1), scale = RowsOf(tape, kept.Scale, row, 1);
        int together = norm.Together(gains.Length);
        for (int head = 0; head < norm.Heads; head += together)
        {
            int at = head * norm.HeadWidth, gainAt = together == 1 ? at : 0, count = together * norm.HeadWidth;
            ReadOnlySpan<float> from = x.Slice(at, count), gain = gains.Slice(gainAt, norm.HeadWidth);
            if (norm.Centers)
            {
                Formulas.LayerNorm.Forward(from, gain, biases.Slice(gainAt, norm.HeadWidth), norm.Epsilon, y.Slice(at, count),
                    mean.Slice(head, together), scale.Slice(head, together));
            }
            else
                Formulas.RmsNorm.Forward(from, gain, norm.Epsilon, y.Slice(at, count), scale.Slice(head, together));
        }
    }

    private static void NormBackward(Tape tape, in HeadNorm norm, in HeadNormKept kept)
    {
        int gains = (int)kept.Gain.Shape.Count, parts = Parts(norm.X.Shape.Rows, norm.RowsAPart);
        Arena.Mark mark = tape.Scratch.Here;
        float* dgains = TakeZeros(tape, parts, gains), dbiases = TakeZeros(tape, parts, gains), rows = tape.Scratch.Take((long)parts * norm.Width);
        tape.Workers.Rows(norm.X.Shape.Rows, norm.RowsAPart, (tape, norm, kept, Gains: (nint)dgains, Biases: (nint)dbiases, Rows: (nint)rows, gains),
            static (in s, first, count) =>
            {
                int part = first / s.norm.RowsAPart;
                Span<float> dgain = new((float*)s.Gains + (nint)part * s.gains, s.gains), dbias = new((float*)s.Biases + (nint)part * s.gains, s.gains);
                Span<float> dx = new((float*)s.Rows + (nint)part * s.norm.Width, s.norm.Width);
                for (int row = first; row < first + count; row++)
                {
                    Span<float> up = s.norm.Row(s.tape.OutputGradient(s.norm.X), row);
                    dx.Clear();
                    NormRowBackward(s.tape, s.norm, s.kept, row, up, dx, dgain, dbias);
                    dx.CopyTo(up);
                }
            });
        if (kept.HasGain)
            AddParts(dgains, parts, tape.Gradient(kept.Gain));
        if (kept.HasBias && norm.Centers)
            AddParts(dbiases, parts, tape.Gradient(kept.Bias));
        tape.Scratch.Rewind(mark);
    }

    private static void NormRowBackward(Tape tape, in HeadNorm norm, in HeadNormKept kept, int row, ReadOnlySpan<float> dy, Span<float> dx,
        Span<float> dgains, Span<float> dbiases)
    {
        ReadOnlySpan<float> x = RowsOf(tape, kept.Before, row, 1), gains = tape[kept.Gain];
        ReadOnlySpan<float> mean = RowsOf(tape, kept.Mean, row, 1), scale = RowsOf(tape, kept.Scale, row, 1);
        int together = norm.Together(gains.Length);
        for (int head = 0; head < norm.Heads; head += together)
        {
            int at = head * norm.HeadWidth, gainAt = together == 1 ? at : 0, count = together * norm.HeadWidth;
            ReadOnlySpan<float> from = x.Slice(at, count), up = dy.Slice(at, count), gain = gains.Slice(gainAt, norm.HeadWidth);
            Span<float> to = dx.Slice(at, count), dgain = dgains.Slice(gainAt, norm.HeadWidth);
            if (norm.Centers)
            {
                Formulas.LayerNorm.Backward(from, gain, mean.Slice(head, together), scale.Slice(head, together), up, to, dgain,
                    dbiases.Slice(gainAt, norm.HeadWidth));
            }
            else
                Formulas.RmsNorm.Backward(from, gain, scale.Slice(head, together), up, to, dgain);
        }
    }
}
