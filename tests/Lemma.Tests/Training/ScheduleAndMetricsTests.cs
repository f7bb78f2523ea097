using Lemma.Formulas;
using Lemma.Training;

namespace Lemma.Tests.Training;

public class ScheduleAndMetricsTests
{
    [Fact]
    public void TheLearningRateRisesThenFallsAlongACosine()
    {
        CosineSchedule cosine = new() { Warmup = 10, Minimum = 0.1 };
        double At(long step) => 1e-3 * cosine.At(step, 110);
        Assert.Equal(1e-4, At(1), 12);
        Assert.Equal(1e-3, At(10), 12);
        Assert.Equal(5.5e-4, At(60), 12);
        Assert.Equal(1e-4, At(110), 12);
        Assert.Equal(1e-4 + 9e-4 * (1 + Math.Cos(Math.PI / 4)) / 2, At(35), 12);
        for (long step = 11; step <= 110; step++)
            Assert.True(At(step) < At(step - 1) || step == 11);
        Assert.Equal(0.1, (cosine with { Warmup = 0 }).At(5, 5), 12);
    }

    [Fact]
    public void EachScheduleIsItsFormula()
    {
        (Schedule Schedule, string Formula)[] all =
        [
            (new ConstantSchedule(), "schedule_constant"), (new LinearSchedule(), "schedule_linear"), (new CosineSchedule(), "schedule_cosine"),
            (new InverseRootSchedule(), "schedule_inverse_square_root"), (new StableDecaySchedule { DecayShare = 0.3 }, "schedule_warmup_stable_decay"),
        ];
        foreach ((Schedule schedule, string formula) in all)
        {
            Schedule given = schedule with { Warmup = 7, Minimum = 0.2 };
            float[] steps = [.. Enumerable.Range(1, 50).Select(step => (float)step)];
            FormulaCall call = new(formula, new Dictionary<string, Values> { ["step"] = new([50], steps) },
                new Dictionary<string, object> { ["total_steps"] = 50.0, ["warmup"] = 7.0, ["decay"] = 15.0, ["minimum"] = 0.2 });
            float[] shares = FormulaIndex.Find(formula).Evaluate(call).Data;
            for (int step = 1; step <= 50; step++)
                Assert.Equal(shares[step - 1], (float)given.At(step, 50));
        }
    }

    [Fact]
    public void EveryWrongNumberIsNamed()
    {
        TrainingOptions good = new();
        Assert.Same(good, good.Validate());
        AdamWOptions adamw = new();
        (TrainingOptions Options, string Reason)[] wrong =
        [
            (good with { Steps = 0 }, "steps 0"),
            (good with { LearningRate = double.NaN }, "NaN"),
            (good with { Schedule = new LinearSchedule { Minimum = 1.5 } }, "[0, 1] of the peak, but it is 1.5"),
            (good with { Schedule = new CosineSchedule { Warmup = -1 } }, "-1"),
            (good with { Schedule = new StableDecaySchedule { DecayShare = 0 } }, "(0, 1], but it is 0"),
            (good with { Optimizer = adamw with { Beta2 = 1 } }, "0.9 and 1"),
            (good with { Optimizer = adamw with { Epsilon = 0 } }, "epsilon"),
            (good with { Optimizer = adamw with { WeightDecay = -0.5f } }, "-0.5"),
            (good with { Optimizer = adamw with { Clip = -2 } }, "-2"),
            (good with { Optimizer = adamw with { Rules = [new ParameterRule("*.norm", -1)] } }, "'*.norm' must not be negative, but it is -1"),
            (good with { EvaluateEvery = 0 }, "they are 0"),
            (good with { Patience = 0 }, "patience"),
        ];
        foreach ((TrainingOptions options, string reason) in wrong)
            Assert.Contains(reason, Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
        Assert.Contains("not 0", Assert.Throws<ArgumentException>(new PretrainingOptions { EvaluationBatches = 0 }.Validate).Message, StringComparison.Ordinal);
        Assert.Contains("batch 0", Assert.Throws<ArgumentException>(new PretrainingOptions { Batch = 0 }.Validate).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LinesAfterTheCheckpointAndCutLinesAreForgotten()
    {
        using TemporaryFolder folder = new();
        string path = folder["metrics.jsonl"];
        using (MetricsLog log = new(path, step: 0))
        {
            log.Write(1, [new("loss", 0.1), new("learning_rate", 1e-5)]);
            log.Write(2, [new("loss", double.NaN)]);
            log.Write(2, [new("validation_loss", 1.0 / 3)]);
            log.Write(3, [new("loss", 2)]);
        }
        File.AppendAllText(path, "{\"step\":4,\"lo");
        using (MetricsLog log = new(path, step: 2))
            log.Write(3, [new("loss", 5)]);
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
