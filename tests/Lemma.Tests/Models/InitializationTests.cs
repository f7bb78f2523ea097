using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Tests.Models;

public class InitializationTests
{
    [Theory]
    [InlineData("tiny", 1), InlineData("tiny", 2), InlineData("char", 1), InlineData("small", 1), InlineData("llama-14m", 1)]
    public void AFreshModelKnowsNothing(string preset, ulong seed)
    {
        using Workers workers = new(2);
        using Decoder model = new(Presets.Find(preset)!);
        model.Initialize(seed);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        int vocabulary = model.Config.VocabularySize;
        int[] ids = [.. Enumerable.Range(0, 64).Select(i => (i * 7919 + 13) % vocabulary)], targets = [.. ids.Skip(1), 5];
        double loss = tape[model.Loss(tape, Rows.One(ids), targets)][0];
        Assert.InRange(loss / Math.Log(vocabulary), 0.98, 1.02);
    }

    [Fact]
    public void TheStreamsOfMatricesDiffer()
    {
        using Decoder model = new(Presets.Tiny(64));
        model.Initialize(1);
        HashSet<float> firsts = [];
        foreach (Parameter parameter in model.Parameters.All.Where(parameter => parameter.Shape.Rank == 2))
            Assert.True(firsts.Add(model.Parameters.Weights(parameter)[0]), parameter.Name);
    }
}
