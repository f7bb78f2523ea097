using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>yᵢ = W[idᵢ] (+ P[positionᵢ]).</summary>
    /// <remarks>W: [V, d]; P: [positions, d] or none; y: [rows, d]. The ids must stay as they are until the tape is rewound.</remarks>
    public static Tensor Embedding(this Tape tape, ReadOnlyMemory<int> ids, Tensor weight, ReadOnlyMemory<int> positions = default, Tensor? positionWeight = null)
    {
        int d = weight.Shape[^1];
        Require.That(positionWeight is null || positions.Length == ids.Length, $"embedding: {positions.Length} positions for {ids.Length} ids");
        Tensor y = tape.New(new Shape(ids.Length, d));
        if (!tape.Counts)
            LookUp(tape, ids.Span, weight, tape[y]);
        if (positionWeight is { } learned)
        {
            Arena.Mark mark = tape.Scratch.Here;
            Span<float> rows = new(tape.Scratch.Take(y.Shape.Count), checked((int)y.Shape.Count));
            if (!tape.Counts)
            {
                Formulas.Embedding.Forward(positions.Span, tape[learned], d, rows);
                System.Numerics.Tensors.TensorPrimitives.Add(tape[y], rows, tape[y]);
            }
            tape.Scratch.Rewind(mark);
        }
        tape.FreezeWith(y, weight, positionWeight);
        tape.Record((ids, weight, positions, positionWeight, y), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            Scatter(tape, s.ids, s.y, s.weight);
            if (s.positionWeight is { } learned)
                Scatter(tape, s.positions, s.y, learned);
        });
        return y;
    }

    private static void LookUp(Tape tape, ReadOnlySpan<int> ids, Tensor weight, Span<float> y)
    {
        int d = weight.Shape[^1];
        float* stored = tape.StoredPointer(weight, out int inPanels);
        Parameter? quantized = tape.Quantized(weight);
        if (inPanels == 0 && quantized is null)
        {
            Formulas.Embedding.Forward(ids, tape[weight], d, y);
            return;
        }
        foreach (int id in ids)
            Require.That((uint)id < (uint)weight.Shape.Rows, $"embedding: id {id} is not in the table of {weight.Shape.Rows} rows");
        if (quantized is not null)
        {
            for (int row = 0; row < ids.Length; row++)
            {
                WeightPiece piece = Parameters.PieceOf(quantized, ids[row]);
                piece.CopyRow(ids[row] - piece.FirstRow, y.Slice(row * d, d));
            }
            return;
        }
        for (int row = 0; row < ids.Length; row++)
        {
            Span<float> to = y.Slice(row * d, d);
            if (ids[row] < inPanels)
                WeightPanels.CopyRow(stored, d, ids[row], to);
            else
                new ReadOnlySpan<float>(stored + (nint)ids[row] * d, d).CopyTo(to);
        }
    }

    private static void Scatter(Tape tape, ReadOnlyMemory<int> ids, Tensor y, Tensor weight)
    {
        if (tape.IsFrozen(weight))
            return;
        float* gradient = tape.LookedUpGradient(weight);
        int d = weight.Shape[^1];
        tape.Workers.Rows(d, 64, (tape, ids, y, weight, Gradient: (nint)gradient), static (in s, first, count) =>
            Formulas.Embedding.Backward(s.ids.Span, new ReadOnlySpan<float>(s.tape.OutputGradient(s.y), checked((int)s.y.Shape.Count)), s.weight.Shape[^1],
                first, count, new Span<float>((float*)s.Gradient, checked((int)s.weight.Shape.Count))));
    }
}
