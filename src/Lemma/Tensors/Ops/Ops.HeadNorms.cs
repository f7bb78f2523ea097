using Lemma.Compute;
using Lemma.Formulas;

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
    /// <param name="onePlus">Whether g is one more than what is given.</param>
    internal static void HeadRmsNormInPlace(this Tape tape, Tensor x, int firstColumn, int heads, int headWidth, Tensor? gain, float epsilon,
        bool onePlus = false) => NormHeads(tape, new HeadNorm(x, firstColumn, heads, headWidth, epsilon, Centers: false), gain, null, onePlus);

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
    private readonly record struct HeadNormKept(Tensor Gain, Tensor Bias, Tensor? OwnGain, bool HasBias, Tensor Mean, Tensor Scale, Tensor Before);

    private static void NormHeads(Tape tape, in HeadNorm norm, Tensor? gain, Tensor? bias, bool onePlus = false)
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
        HeadNormKept kept = new(GainOf(tape, gain, (int)gains, onePlus), bias ?? Filled(tape, (int)gains, 0), gain, bias is not null,
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
        if (kept.OwnGain is not null || (kept.HasBias && norm.Centers))
            AddHeadGains(tape, norm, kept);
        Arena.Mark mark = tape.Scratch.Here;
        float* rows = tape.Scratch.Take((norm.X.Shape.Rows + norm.RowsAPart - 1L) / norm.RowsAPart * norm.Width);
        tape.Workers.Rows(norm.X.Shape.Rows, norm.RowsAPart, (tape, norm, kept, Rows: (nint)rows), static (in s, first, count) =>
        {
            Span<float> dx = new((float*)s.Rows + (nint)(first / s.norm.RowsAPart) * s.norm.Width, s.norm.Width);
            for (int row = first; row < first + count; row++)
            {
                Span<float> up = s.norm.Row(s.tape.OutputGradient(s.norm.X), row);
                dx.Clear();
                NormRowBackward(s.tape, s.norm, s.kept, row, up, dx);
                dx.CopyTo(up);
            }
        });
        tape.Scratch.Rewind(mark);
    }

    // Heads that share a gain are added row by row; those with their own are sums of their own. Before dy becomes dx, in its place.
    private static void AddHeadGains(Tape tape, in HeadNorm norm, in HeadNormKept kept)
    {
        (int heads, int width) = (norm.Heads, norm.HeadWidth);
        bool isShared = kept.Gain.Shape.Count == width;
        for (int head = 0; head < (isShared ? 1 : heads); head++)
        {
            int at = head * width;
            AddGains(tape, new NormGains.Sum((nint)(tape.Pointer(kept.Before) + at), norm.Width,
                (nint)(tape.OutputGradient(norm.X) + norm.First + at), norm.X.Shape.Columns, norm.Centers ? (nint)(tape.Pointer(kept.Mean) + head) : 0,
                (nint)(tape.Pointer(kept.Scale) + head), heads, norm.X.Shape.Rows, isShared ? heads : 1, width),
                kept.OwnGain ?? kept.Gain, norm.Centers && kept.HasBias ? kept.Bias : null, at);
        }
    }

    private static void NormRowBackward(Tape tape, in HeadNorm norm, in HeadNormKept kept, int row, ReadOnlySpan<float> dy, Span<float> dx)
    {
        ReadOnlySpan<float> x = RowsOf(tape, kept.Before, row, 1), gains = tape[kept.Gain];
        ReadOnlySpan<float> mean = RowsOf(tape, kept.Mean, row, 1), scale = RowsOf(tape, kept.Scale, row, 1);
        int together = norm.Together(gains.Length);
        for (int head = 0; head < norm.Heads; head += together)
        {
            int at = head * norm.HeadWidth, gainAt = together == 1 ? at : 0, count = together * norm.HeadWidth;
            ReadOnlySpan<float> from = x.Slice(at, count), up = dy.Slice(at, count), gain = gains.Slice(gainAt, norm.HeadWidth);
            Span<float> to = dx.Slice(at, count);
            if (norm.Centers)
                Formulas.LayerNorm.BackwardInput(from, gain, mean.Slice(head, together), scale.Slice(head, together), up, to);
            else
                Formulas.RmsNorm.BackwardInput(from, gain, scale.Slice(head, together), up, to);
        }
    }
}
