using Lemma.Compute;
using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Tests.Training;

/// <summary>nanochat's shape, and the rules by which it is trained.</summary>
public class NanoChatTests
{
    // By hand: √(16,384/524,288) = 0.176777; (384/768)^−½ = 1.414214.
    [Fact]
    public void RatesFollowFromWidthAndBatch()
    {
        TrainingOptions options = NanoChatRules.Apply(new TrainingOptions { Steps = 5000 }, Presets.NanoChat(32768, depth: 6), 16_384);
        MuonOptions muon = Assert.IsType<MuonOptions>(options.Optimizer);
        Assert.Equal(0.02 * 0.1767767, options.LearningRate, 1e-8);
        Assert.Equal(0.3 * 0.1767767 * 1.4142136, options.LearningRate * muon.RestRateScale * muon.Rules[0].RateScale, 1e-6);
        Assert.Equal(0.008 * 0.1767767 * 1.4142136, options.LearningRate * muon.RestRateScale * muon.Rules[1].RateScale, 1e-8);
        Assert.Equal([0.5, 1, 1, 0.05], new long[] { 20, 40, 1750, 5000 }.Select(step => Math.Round(options.Schedule.At(step, 5000), 3)));
        Assert.Contains("must have tokens", Assert.Throws<ArgumentException>(() => NanoChatRules.Apply(options, Presets.NanoChat(64, 1), 0)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void AFreshModelKnowsNothingAndLearnsByTheRules()
    {
        using Decoder model = new(Presets.NanoChat(64, depth: 2));
        model.Initialize(1);
        using Workers workers = new(2);
        Philox random = new(1);
        int[] ids = new int[6000];
        for (int i = 1; i < ids.Length; i++)
            ids[i] = random.Uniform((ulong)i) < 0.9 ? (5 * ids[i - 1] + 3) % 64 : random.Below(64, (ulong)(i + ids.Length));
        (TokenDataset training, TokenDataset validation) = new TokenDataset(ids).Split(0.1);
        Pretraining recipe = new(model, training, validation, new PretrainingOptions { Batch = 4, Length = 32, EvaluationBatches = 4 });
        List<double> losses = [];
        TrainingOptions options = NanoChatRules.Apply(new TrainingOptions { Steps = 60, EvaluateEvery = 60 }, model.Config, 4096);
        TrainingResult result = new TrainingLoop(recipe, options, workers).Train(progress: new Recorder(losses));
        Assert.InRange(losses[0] / Math.Log(64), 0.98, 1.02);
        // Of a token 0.9 of the time the next follows from it: 0.325 + 0.1·ln 64 = 0.741 nats.
        Assert.InRange(result.BestScore!.Value, 0.6, 1.3);
    }

    private sealed class Recorder(List<double> losses) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => losses.Add(value.Loss);
    }
}
