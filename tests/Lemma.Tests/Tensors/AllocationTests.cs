using Lemma.Compute;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Tensors;

/// <summary>Operations of a decoded token allocate nothing once they are warm.</summary>
public class AllocationTests
{
    [Fact]
    public void Experts()
    {
        ExpertRouting routing = new() { Experts = 5, Chosen = 3, NormalizesChosen = true };
        float[] x = OperationCheck.Random(32, 1), logits = OperationCheck.Random(5, 2), gateUp = OperationCheck.Random(5 * 32 * 32, 3),
            down = OperationCheck.Random(5 * 32 * 16, 4);
        AllocatesNothing(tape => tape.Experts(tape.Input(new Shape(1, 32), x), tape.Input(new Shape(1, 5), logits), null,
            tape.Input(new Shape(5, 32, 32), gateUp), tape.Input(new Shape(5, 32, 16), down), routing, Activation.Gelu));
    }

    [Fact]
    public void LinearAttention()
    {
        float[] q = OperationCheck.Random(32, 1), v = OperationCheck.Random(48, 3);
        using SequenceState state = new(new object(), [new LinearAttentionState(2, 16, 24)]);
        Rows rows = Rows.One(new int[1], state);
        AllocatesNothing(tape =>
        {
            Tensor x = tape.Input(new Shape(1, 32), q);
            tape.LinearAttention(x, x, tape.Input(new Shape(1, 48), v), rows, 2, 0);
        });
    }

    [Fact]
    public void NormsOfHeadsAndColumns()
    {
        float[] values = OperationCheck.Random(48, 1);
        AllocatesNothing(tape =>
        {
            Tensor x = tape.Input(new Shape(1, 48), values);
            tape.HeadRmsNormInPlace(x, 0, 3, 16, null, 1e-6f);
            Tensor joined = tape.JoinHeads(tape.HeadPart(x, 3, 0, 8), 8, tape.Columns(x, 0, 4), 4, 3);
            tape.Cap(tape.Gated(tape.Concatenate(joined, joined), Activation.QuickGelu), 3);
        });
    }

    private static void AllocatesNothing(Action<Tape> decode)
    {
        using Workers workers = new(1);
        using Tape tape = new(workers) { Recording = false };
        long before = 0;
        for (int i = 0; i < 70; i++)
        {
            if (i == 50)
                before = GC.GetAllocatedBytesForCurrentThread();
            decode(tape);
            tape.Rewind();
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
