using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Tests.Checkpoints;

public class TrainingStateTests
{
    [Fact]
    public void EveryBitComesBack()
    {
        using TemporaryFolder folder = new();
        using Parameters parameters = Moments();
        TrainingState state = new()
        {
            Step = 123,
            Epoch = 4,
            Position = 5,
            Seed = ulong.MaxValue,
            Recipe = "pretraining",
            BestScore = 1.0 / 3,
            BestStep = 100,
            EvaluationsWithoutImprovement = 2,
            Run = """{"layers":4,"name":"é"}""",
        };
        AtomicFolder.Write(folder["last"], into => state.WriteInto(into, parameters, Kept(parameters)));
        Assert.True(TrainingState.Exists(folder["last"]));
        using Decoder copy = new(Presets.Tiny(10));
        Parameters read = copy.Parameters;
        Assert.Equal(state, TrainingState.Read(folder["last"], read, Kept(read)));
        foreach (Parameter parameter in parameters.All)
        {
            Assert.True(parameters.FirstMoments(parameter).SequenceEqual(read.FirstMoments(read[parameter.Name])));
            Assert.True(parameters.SecondMoments(parameter).SequenceEqual(read.SecondMoments(read[parameter.Name])));
        }
    }

    [Fact]
    public void AnotherModelsStateIsRefused()
    {
        using TemporaryFolder folder = new();
        using Parameters parameters = Moments();
        AtomicFolder.Write(folder["last"], into => new TrainingState { Step = 0, Epoch = 0, Position = 0, Seed = 1, Recipe = "sft" }.WriteInto(into,
            parameters, Kept(parameters)));
        Assert.Null(TrainingState.Read(folder["last"]).BestScore);
        using Parameters wider = new Decoder(Presets.Tiny(11)).Parameters;
        Assert.EndsWith("'first_moment.embedding.weight' has shape [10, 128], but the run's has [11, 128]",
            Assert.Throws<InvalidDataException>(() => TrainingState.Read(folder["last"], wider, Kept(wider))).Message, StringComparison.Ordinal);
        using Parameters deeper = Presets.Tiny(10).WithLayers(5).Declare().Parameters;
        Assert.Contains("the run keeps", Assert.Throws<InvalidDataException>(() => TrainingState.Read(folder["last"],
            deeper, Kept(deeper))).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => TrainingState.Read(folder["none"]));
        File.WriteAllText(Path.Combine(folder["last"], "training_state.json"), """{"step":-1}""");
        Assert.EndsWith("\"step\" must be a whole number of at least 0, but it is -1",
            Assert.Throws<InvalidDataException>(() => TrainingState.Read(folder["last"])).Message, StringComparison.Ordinal);
    }

    private static StateTensor[] Kept(Parameters parameters)
    {
        using Workers workers = new(1);
        return [.. new AdamWOptions().Make(parameters, workers).State];
    }

    private static Parameters Moments()
    {
        Parameters parameters = new Decoder(Presets.Tiny(10)).Parameters;
        parameters.AllocateTrainingState();
        foreach (Parameter parameter in parameters.All)
        {
            parameters.FirstMoments(parameter).Fill(1f / (3 + parameter.Offset));
            parameters.SecondMoments(parameter).Fill(float.Epsilon);
        }
        return parameters;
    }
}
