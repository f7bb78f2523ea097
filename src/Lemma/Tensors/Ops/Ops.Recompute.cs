using Lemma.Compute;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>What a part of a model gives, without what it makes on the way: that is made again in the backward.</summary>
    /// <remarks>The same bits as without; one more forward for the memory of one part in place of all. Chen et al. 2016, "Training deep nets with sublinear
    /// memory cost".</remarks>
    /// <param name="tape">The tape.</param>
    /// <param name="x">What the part reads.</param>
    /// <param name="shapes">The shapes of what it gives.</param>
    /// <param name="part">The part: a pure function of x, of parameters and of tensors made before; run twice.</param>
    internal static Tensor[] Recompute(this Tape tape, Tensor x, ReadOnlySpan<Shape> shapes, Func<Tape, Tensor, Tensor[]> part)
    {
        Require.That(tape.Recording, $"recompute: the tape must record, else nothing is made again");
        Tensor[] outputs = new Tensor[shapes.Length];
        for (int i = 0; i < shapes.Length; i++)
            outputs[i] = tape.New(shapes[i]);
        Tape.Mark mark = tape.Here;
        Tensor[] made = part(tape, x);
        for (int i = 0; i < outputs.Length; i++)
        {
            Require.That(made[i].Shape.Count == outputs[i].Shape.Count, $"recompute: a part gave {made[i].Shape}, not {outputs[i].Shape}");
            tape[made[i]].CopyTo(tape[outputs[i]]);
        }
        tape.Rewind(mark);
        tape.Record((x, outputs, part), static (tape, in s) =>
        {
            if (!Array.Exists(s.outputs, tape.HasGradient))
                return;
            Tape.Mark mark = tape.Here;
            WorkPhase phase = tape.BeginRecomputation();
            Tensor[] again = s.part(tape, s.x);
            tape.EndRecomputation(phase);
            for (int i = 0; i < again.Length; i++)
            {
                if (tape.HasGradient(s.outputs[i]))
                    tape.Gradient(s.outputs[i]).CopyTo(tape.Gradient(again[i]));
            }
            tape.RunBackward(mark);
            tape.Rewind(mark);
        });
        return outputs;
    }
}
