using Lemma.Compute;
using Lemma.Formulas;
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
        double loss = model.Loss(tape, Rows.One(ids), targets).Mean(tape);
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

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void FirstValuesAreThoseOfTheirPlacesForAnyNumberOfThreads(int threads)
    {
        using Workers workers = new(threads);
        using Decoder model = new(Presets.Tiny(1000));
        foreach (Parameter parameter in model.Parameters.All)
            model.Parameters.Weights(parameter).Fill(float.NaN);
        FirstValue.Draw(model.Parameters, 5, workers);
        Assert.Contains(model.Parameters.All, parameter => parameter.Count > 100_000);
        for (int index = 0; index < model.Parameters.All.Count; index++)
        {
            Parameter parameter = model.Parameters.All[index];
            // A stream a parameter, a counter an element.
            Philox generator = new(5, 0x696E6974_00000000 + (ulong)index);
            FirstValue first = parameter.First;
            float[] expected = [.. Enumerable.Range(0, (int)parameter.Count).Select(i =>
                first.Deviation == 0 ? (float)first.Constant : (float)(first.Deviation * generator.Normal((ulong)i)))];
            Assert.True(model.Parameters.Weights(parameter).SequenceEqual(expected), parameter.Name);
        }
        using Decoder other = new(Presets.Tiny(1000));
        other.Initialize(5);
        Assert.All(model.Parameters.All, parameter => Assert.True(model.Parameters.Weights(parameter)
            .SequenceEqual(other.Parameters.Weights(other.Parameters[parameter.Name])), parameter.Name));
    }
}
