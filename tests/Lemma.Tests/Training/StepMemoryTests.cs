using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Training;

namespace Lemma.Tests.Training;

/// <summary>What a step keeps and allocates; no part of the kernels' runs, where guarded blocks are made to measure and none serves another length.</summary>
public class StepMemoryTests
{
    [Fact]
    public void MemoryDoesNotGrowOverAThousandStepsOfVaryingLengths()
    {
        using Decoder model = StepTests.Model("llama", 0);
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters);
        AdamWOptimizer optimizer = new(model.Parameters, workers, new AdamWOptions());
        Lemma.Formulas.Philox random = new(11);
        long afterAHundred = 0;
        for (int step = 0; step < 1000; step++)
        {
            int[] lengths = [.. Enumerable.Range(0, 1 + random.Below(4, (ulong)(8 * step))).Select(i => 1 + random.Below(50, (ulong)(8 * step + i + 1)))];
            int[] ids = [.. Enumerable.Range(0, lengths.Sum()).Select(i => (i * 7919 + step * 31) % 131)];
            tape.Backward(model.Loss(tape, new Rows(ids, lengths), ids));
            tape.Rewind();
            optimizer.Step(1e-3f);
            afterAHundred = step == 99 ? tape.TakenElements : afterAHundred;
        }
        Assert.True(tape.TakenElements <= 1.1 * afterAHundred, $"{tape.TakenElements} elements after 1000 steps, {afterAHundred} after 100");
    }

    [Theory]
    [InlineData("llama"), InlineData("gpt2")]
    public void AWarmStepAllocatesNextToNothing(string family)
    {
        using Decoder model = StepTests.Model(family, 0);
        // One thread, the caller, does all the work, so its own count is the whole one.
        using Workers workers = new(1);
        using Tape tape = new(workers, model.Parameters);
        AdamWOptimizer optimizer = new(model.Parameters, workers, new AdamWOptions());
        for (int step = 0; step < 4; step++)
            StepTests.Step(model, tape, optimizer, step);
        long before = GC.GetAllocatedBytesForCurrentThread();
        StepTests.Step(model, tape, optimizer, 4);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 * 1024);
    }
}
