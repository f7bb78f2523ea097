using Lemma.Training;

namespace Lemma.Tests.Training;

public class ScheduleAndMetricsTests
{
    [Fact]
    public void TheLearningRateRisesThenFallsAlongACosine()
    {
        double At(long step) => CosineSchedule.At(step, steps: 110, warmup: 10, highest: 1e-3, lowest: 1e-4);
        Assert.Equal(1e-4, At(1), 12);
        Assert.Equal(1e-3, At(10), 12);
        Assert.Equal(5.5e-4, At(60), 12);
        Assert.Equal(1e-4, At(110), 12);
        Assert.Equal(1e-4 + 9e-4 * (1 + Math.Cos(Math.PI / 4)) / 2, At(35), 12);
        for (long step = 11; step <= 110; step++)
            Assert.True(At(step) < At(step - 1) || step == 11);
        Assert.Equal(1e-4, CosineSchedule.At(5, 5, 0, 1e-3, 1e-4), 12);
    }

    [Fact]
    public void EveryWrongNumberIsNamed()
    {
        TrainingOptions good = new();
        Assert.Same(good, good.Validate());
        (TrainingOptions Options, string Reason)[] wrong =
        [
            (good with { Steps = 0 }, "steps 0"),
            (good with { LearningRate = double.NaN }, "NaN"),
            (good with { MinimumLearningRate = 1 }, "[0, 0.001], but it is 1"),
            (good with { Warmup = -1 }, "-1"),
            (good with { Beta2 = 1 }, "0.9 and 1"),
            (good with { Epsilon = 0 }, "epsilon"),
            (good with { WeightDecay = -0.5 }, "-0.5"),
            (good with { Clip = -2 }, "-2"),
            (good with { EvaluationBatches = 0 }, "0 batches"),
            (good with { EvaluateEvery = 0 }, "every 0 steps"),
            (good with { Patience = 0 }, "patience"),
        ];
        foreach ((TrainingOptions options, string reason) in wrong)
            Assert.Contains(reason, Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LinesAfterTheCheckpointAndCutLinesAreForgotten()
    {
        using TemporaryFolder folder = new();
        string path = folder["metrics.jsonl"];
        using (MetricsLog log = new(path, step: 0))
        {
            log.Write(1, ("loss", 0.1), ("learning_rate", 1e-5));
            log.Write(2, ("loss", double.NaN));
            log.Write(2, ("validation_loss", 1.0 / 3));
            log.Write(3, ("loss", 2));
        }
        File.AppendAllText(path, "{\"step\":4,\"lo");
        using (MetricsLog log = new(path, step: 2))
            log.Write(3, ("loss", 5));
        Assert.Equal("""
            {"step":1,"loss":0.1,"learning_rate":1E-05}
            {"step":2,"loss":null}
            {"step":2,"validation_loss":0.3333333333333333}
            {"step":3,"loss":5}

            """, File.ReadAllText(path));
        File.WriteAllText(path, "{}\n");
        Assert.Contains("the line at byte 0", Assert.Throws<InvalidDataException>(() => new MetricsLog(path, 1)).Message,
            StringComparison.Ordinal);
    }
}
