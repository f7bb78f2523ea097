using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Models;
using Lemma.Weights;

namespace Lemma.Tests.Training;

/// <summary>Blocks that are made again in the backward give the bits of those that are kept, for less memory.</summary>
public class RecomputationTests
{
    [Theory, MemberData(nameof(ReferenceCheckpointTests.All), MemberType = typeof(ReferenceCheckpointTests))]
    public void GradientsHaveTheBitsOfKeptOnes(string folder)
    {
        (float Loss, float[][] Gradients) kept = Step(folder, recomputes: false), again = Step(folder, recomputes: true);
        Assert.Equal(kept.Loss, again.Loss);
        Assert.Contains(kept.Gradients, gradient => gradient.Any(value => value != 0));
        for (int i = 0; i < kept.Gradients.Length; i++)
            Assert.True(kept.Gradients[i].AsSpan().SequenceEqual(again.Gradients[i]), $"parameter {i}");
    }

    [Fact]
    public void DropoutDropsTheSameAgain()
    {
        DecoderConfig config = Presets.Tiny(61) with { Dropout = 0.2f };
        (float[] kept, _) = Pass(config, recomputes: false, sequences: 3);
        (float[] again, _) = Pass(config, recomputes: true, sequences: 3);
        Assert.Equal(kept, again);
        Assert.NotEqual(kept, Pass(config with { Dropout = 0 }, recomputes: false, sequences: 3).Gradients);
    }

    [Fact]
    public void TheMemoryIsThatOfOneBlock()
    {
        DecoderConfig config = Presets.Tiny(61).WithLayers(12);
        (_, long kept) = Pass(config, recomputes: false, sequences: 8);
        (_, long again) = Pass(config, recomputes: true, sequences: 8);
        Assert.True(again * 3 < kept, $"{again} elements, not a third of {kept}");
    }

    private static (float[] Gradients, long Elements) Pass(DecoderConfig config, bool recomputes, int sequences)
    {
        using Decoder model = new(config) { RecomputesBlocks = recomputes };
        model.Initialize(3);
        model.Parameters.AllocateTrainingState(moments: 0);
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters);
        Philox random = new(5);
        int[] ids = [.. Enumerable.Range(0, sequences * 100).Select(i => random.Below(61, (ulong)i))];
        Rows rows = new(ids, Enumerable.Repeat(100, sequences).ToArray());
        tape.Backward(model.Loss(tape, rows, ids, random.Split(7)));
        return ([.. model.Parameters.All.SelectMany(parameter => model.Parameters.Gradients(parameter).ToArray())], tape.PeakElements);
    }

    private static (float Loss, float[][] Gradients) Step(string folder, bool recomputes)
    {
        using ReferenceCheckpoint reference = ReferenceCheckpoint.Open(Path.Combine(AppContext.BaseDirectory, folder));
        Parameters parameters = reference.Model.Parameters;
        reference.Model.RecomputesBlocks = recomputes;
        parameters.AllocateTrainingState(moments: 0);
        LossPart loss = reference.Loss();
        float value = reference.Tape[loss.Sum][0];
        reference.Tape.Backward(loss);
        return (value, [.. parameters.All.Select(parameter => parameters.Gradients(parameter).ToArray())]);
    }
}
