using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>
    /// δ = (g − 1)∘(y − b) + g∘l, g = m/‖W + s·B·A‖ by rows: what DoRA adds to y = x·Wᵀ + b, so that it is g∘(x·Wᵀ + l) + b, l = s·x·Aᵀ·Bᵀ.
    /// See <see cref="DirectionMagnitude"/>.
    /// </summary>
    /// <remarks>y, l, δ: [rows, out]. The norm is a constant: dm += Σ dδ∘(y − b + l)/‖·‖, dy += (g − 1)∘dδ, dl += g∘dδ, db −= Σ (g − 1)∘dδ.</remarks>
    /// <param name="tape">The tape, whose parameters hold W and b.</param>
    /// <param name="y">Products with the rows of W that the part changes.</param>
    /// <param name="low">l.</param>
    /// <param name="weight">W.</param>
    /// <param name="bias">b of all rows of W; null for none.</param>
    /// <param name="adapter">Whose part it is.</param>
    /// <param name="part">Which rows, with A, B and m.</param>
    internal static Tensor MagnitudeChange(this Tape tape, Tensor y, Tensor low, Parameter weight, Tensor? bias, Adapter adapter, AdapterPart part)
    {
        Tensor norms = tape.New(new Shape(part.Rows)), change = tape.New(y.Shape), magnitude = tape.ParameterOf(adapter.Parameters, part.Magnitude!);
        tape.Workers.Rows(part.Rows, Workers.RowsFor(weight.Shape.Columns * (1 + part.Rank)), (tape, norms, weight, adapter, part), static (in s, first, count) =>
        {
            float[] row = new float[s.weight.Shape.Columns];
            ReadOnlySpan<float> a = s.adapter.Parameters.Weights(s.part.A), b = s.adapter.Parameters.Weights(s.part.B);
            for (int i = first; i < first + count; i++)
            {
                s.tape.Parameters!.CopyRows(s.weight, s.part.FirstRow + i, row);
                s.tape[s.norms][i] = (float)DirectionMagnitude.Turn(row, b.Slice(i * s.part.Rank, s.part.Rank), a, s.part.Scale);
            }
        });
        MagnitudeJob job = new(y, low, norms, change, magnitude, bias, part.FirstRow);
        tape.Workers.Rows(y.Shape.Rows, Workers.RowsFor(part.Rows), (tape, job), static (in s, first, count) =>
        {
            ReadOnlySpan<float> m = s.tape[s.job.Magnitude], norms = s.tape[s.job.Norms], b = s.job.BiasOf(s.tape);
            for (int row = first; row < first + count; row++)
            {
                ReadOnlySpan<float> y = RowsOf(s.tape, s.job.Y, row, 1), low = RowsOf(s.tape, s.job.Low, row, 1);
                Span<float> change = RowsOf(s.tape, s.job.Change, row, 1);
                for (int i = 0; i < change.Length; i++)
                {
                    float gain = m[i] / norms[i];
                    change[i] = (gain - 1) * (y[i] - (b.IsEmpty ? 0 : b[i])) + gain * low[i];
                }
            }
        });
        tape.Record(job, static (tape, in job) =>
        {
            if (!tape.HasGradient(job.Change))
                return;
            int columns = job.Change.Shape.Columns;
            ReadOnlySpan<float> m = tape[job.Magnitude], norms = tape[job.Norms], b = job.BiasOf(tape), y = tape[job.Y], low = tape[job.Low];
            ReadOnlySpan<float> slopes = tape.Gradient(job.Change);
            Span<float> dm = tape.Gradient(job.Magnitude), dy = tape.Gradient(job.Y), dlow = tape.Gradient(job.Low);
            Span<float> db = job.Bias is { } bias && !tape.IsFrozen(bias) ? tape.Gradient(bias).Slice(job.FirstRow, columns) : default;
            double[] sums = new double[columns], ofBias = new double[columns];
            for (int at = 0, i = 0; at < slopes.Length; at++, i = i + 1 == columns ? 0 : i + 1)
            {
                float gain = m[i] / norms[i], slope = slopes[at];
                sums[i] += (double)slope * (y[at] - (b.IsEmpty ? 0 : b[i]) + low[at]);
                ofBias[i] += (double)(gain - 1) * slope;
                dy[at] += (gain - 1) * slope;
                dlow[at] += gain * slope;
            }
            for (int i = 0; i < columns; i++)
                dm[i] += (float)(sums[i] / norms[i]);
            for (int i = 0; i < db.Length; i++)
                db[i] -= (float)ofBias[i];
        });
        return change;
    }

    private readonly record struct MagnitudeJob(Tensor Y, Tensor Low, Tensor Norms, Tensor Change, Tensor Magnitude, Tensor? Bias, int FirstRow)
    {
        public ReadOnlySpan<float> BiasOf(Tape tape) => Bias is { } bias ? tape[bias].Slice(FirstRow, Change.Shape.Columns) : default;
    }
}
