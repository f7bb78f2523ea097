using Lemma.Models;
using Lemma.Planning;
using Lemma.Training;

namespace Lemma.Tests.Planning;

/// <summary>What was measured of a machine is kept, and times follow from it.</summary>
public sealed class MachineProfileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    internal static MachineProfile Made { get; } = new()
    {
        Machine = "a machine",
        Threads = 2,
        PeakOperations = 4e11,
        MemoryBytes = 4e10,
        ProductCosts = [2e-12, 4e-11, 1e-12, 1e-6],
        AttentionCost = 3e-12,
        OtherCosts = [3e-10, 2e-10, 1e-7],
        OptimizerCosts = new Dictionary<string, double> { ["AdamW"] = 5e-10, ["Lion"] = 4e-10, ["Muon"] = 6e-10 },
        WholeCost = 5e-12,
        StepSpread = 0.05,
        DecodingCosts = [.. from bytes in (double[])[1e6, 1e8, 1e9] from rows in (double[])[1, 16]
            select (double[])[Math.Log(bytes), Math.Log(rows), Math.Log(1e-10 * Math.Pow(bytes / 1e9, 0.1) * Math.Pow(rows, 0.5))]],
        CacheCosts = [[Math.Log(1e6), 2e-11], [Math.Log(1e9), 1e-10]],
        BlockCost = 1e-6,
        JobCost = 2e-6,
        PageCost = 4e-10,
        ReadRates = [[Math.Log(1e6), 2e11], [Math.Log(1e8), 8e10], [Math.Log(1e9), 6e10]],
        DecodingSpread = 0.1,
    };

    [Fact]
    public void AProfileIsReadAsItWasWritten()
    {
        Made.Write(folder["profile.json"]);
        MachineProfile read = MachineProfile.Read(folder["profile.json"]);
        read.Write(folder["again.json"]);
        Assert.Equal(File.ReadAllBytes(folder["profile.json"]), File.ReadAllBytes(folder["again.json"]));
        StepPlan step = StepPlan.Of(Presets.Tiny(256), new StepShape(2, 64));
        Assert.Equal(Made.StepTime(step), read.StepTime(step));
        Assert.Equal(Made.DecodingTime(Presets.Tiny(256), 3, 100), read.DecodingTime(Presets.Tiny(256), 3, 100));
    }

    [Theory]
    [InlineData("\"version\": 2", "\"version\": 1", "version 1 is not 2")]
    [InlineData("\"threads\": 2", "\"threads\": 0", "threads")]
    [InlineData("\"attention_cost\": 3E-12", "\"attention_cost\": -1", "attention_cost")]
    [InlineData("\"step_spread\": 0.05", "\"step_spread\": \"wide\"", "step_spread")]
    [InlineData("\"other_costs\": [", "\"other_costs\": [ 1,", "must have 3 numbers, but it has 4")]
    [InlineData("\"decoding_costs\": [", "\"decoding_costs\": [ 1,", "grid")]
    [InlineData("\"read_rates\": [", "\"read_rates\": [ 1,", "must have at least two places")]
    [InlineData("\"whole_cost\": 5E-12", "\"whole_cost\": -1", "whole_cost")]
    [InlineData("\"machine\": \"a machine\",", "", "machine")]
    public void ABrokenProfileIsRefused(string from, string to, string says)
    {
        Made.Write(folder["profile.json"]);
        string text = File.ReadAllText(folder["profile.json"]);
        Assert.Contains(from, text, StringComparison.Ordinal);
        folder.Write("broken.json", text.Replace(from, to, StringComparison.Ordinal));
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => MachineProfile.Read(folder["broken.json"]));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.Contains("broken.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AStepTakesTheSumOfItsWork()
    {
        const int width = 64, hidden = 176, vocabulary = 300;
        DecoderConfig config = Presets.Llama(vocabulary, width, 1, 4, hidden, 128);
        StepPlan step = StepPlan.Of(config, new StepShape(1, 32) { Optimizer = new LionOptions() });
        WorkFeatures work = step.Features;
        Assert.Equal(step.Operations, work.ProductOperations + work.AttentionOperations, 1e-3);
        // Five matrices: queries, keys and values; outputs; gate and up; down; head. Forward, and two each backward.
        Assert.Equal(15, work.Products);
        Assert.Equal(32.0 * vocabulary, work.Logits);
        Assert.Equal(ParameterCount.Of(config).Total, work.Stepped);
        double expected = 2e-12 * work.ProductOperations + 4e-11 * work.PackedElements + 1e-12 * work.WrittenElements + 1e-6 * 15 + 3e-12 * work.AttentionOperations
            + 3e-10 * work.Elements + 2e-10 * work.Logits + 1e-7 * work.Jobs + 4e-10 * work.Stepped;
        Interval time = Made.StepTime(step);
        Assert.Equal(expected, time.Value, expected * 1e-12);
        Assert.Equal(expected * Math.Exp(0.1), time.Most, expected * 1e-9);
        Assert.True(time.Holds(expected * 0.95) && !time.Holds(expected * 0.85));
        StepPlan three = StepPlan.Of(config, new StepShape(1, 32) { Optimizer = new LionOptions(), Accumulate = 3 });
        Assert.Equal(3 * (expected - 4e-10 * work.Stepped) + 4e-10 * work.Stepped, Made.StepTime(three).Value, expected * 1e-9);
        Assert.False(Made.Knows(new AdamOptions()));
        Assert.Contains("Adam ", Assert.Throws<ArgumentException>(() => Made.StepTime(StepPlan.Of(config, new StepShape(1, 8) { Optimizer = new AdamOptions() }))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void MuonsProductsTakeTheTimeOfTheThreadThatHasMost()
    {
        const int width = 64, hidden = 176;
        DecoderConfig config = Presets.Llama(300, width, 2, 4, hidden, 128);
        StepPlan step = StepPlan.Of(config, new StepShape(1, 32) { Optimizer = new MuonOptions() }), lion = StepPlan.Of(config, new StepShape(1, 32));
        // X·Xᵀ of one block of rows is a whole product; then its square, and the product with X: five times each.
        static double Matrix(double m, double n) => 5 * 2 * Math.Min(m, n) * Math.Min(m, n) * (Math.Max(m, n) + Math.Min(m, n) + Math.Max(m, n));
        double square = Matrix(width, width), wide = Matrix(hidden, width);
        // Of both blocks gate and up in one, queries, keys and values in one, down, outputs: the largest first.
        Assert.Equal([2 * wide, 2 * wide, 3 * square, 3 * square, wide, wide, square, square], step.WholeOperations);
        Assert.Empty(lion.WholeOperations);
        double half = 3 * wide + 4 * square;
        Assert.Equal(half, MachineProfile.Longest(step.WholeOperations, 2));
        Assert.Equal(2 * half, MachineProfile.Longest(step.WholeOperations, 1));
        Assert.Equal(2 * wide, MachineProfile.Longest(step.WholeOperations, 100));
        Assert.Equal(0, MachineProfile.Longest([], 2));
        double difference = 5e-12 * half + 1e-10 * step.Trained;
        Assert.Equal(difference, Made.StepTime(step).Value - Made.StepTime(lion).Value, difference * 1e-6);
    }

    [Fact]
    public void DecodingFollowsWhatMemoryGivesNow()
    {
        // 25 million weights of 10⁸ bytes, of which a plain read takes 1.25 ms.
        DecoderConfig config = Presets.Llama(1024, 512, 8, 8, 1408, 4096) with { Head = new HeadConfig(Tied: true) };
        long bytes = MachineProfile.BytesOfToken(config, 1, 0);
        Assert.Equal(4 * ParameterCount.Of(config).Total, bytes);
        Assert.Equal(bytes + 3 * 4 * CachePlan.Of(config).ElementsOf(100), MachineProfile.BytesOfToken(config, 3, 100));
        double then = Made.DecodingTime(config, 1, 0).Value, rate = Made.ReadRateOf(bytes);
        Assert.InRange(rate, 7.9e10, 8e10);
        MachineMoment same = new(rate, Made.JobCost);
        Assert.Equal(then, Made.DecodingTime(config, 1, 0, same).Value, then * 1e-9);
        // What is not reading overlaps with it: t⁴ = read⁴ + rest⁴.
        double read = bytes / rate, rest = Math.Pow(then, 4) - Math.Pow(read, 4);
        Assert.Equal(Math.Pow(Math.Pow(2 * read, 4) + rest, 0.25), Made.DecodingTime(config, 1, 0, same with { ReadRate = rate / 2 }).Value, then * 1e-9);
        Assert.Equal(Math.Pow(Math.Pow(read / 2, 4) + rest, 0.25), Made.DecodingTime(config, 1, 0, same with { ReadRate = 2 * rate }).Value, then * 1e-9);
        // Each job costs what it costs now.
        double jobs = PassPlan.Of(config, 1).Jobs;
        Assert.InRange(jobs, 8 * 5, 8 * 20);
        Assert.Equal(then + jobs * 1e-6, Made.DecodingTime(config, 1, 0, same with { JobSeconds = Made.JobCost + 1e-6 }).Value, then * 1e-9);
        // All of a token's time at most.
        MachineProfile slow = Made with { ReadRates = [[Math.Log(1e6), 1e9], [Math.Log(1e9), 1e9]] };
        Assert.Equal(2 * then, slow.DecodingTime(config, 1, 0, new MachineMoment(5e8, Made.JobCost)).Value, then * 1e-9);
        Assert.Equal(2e11, Made.ReadRateOf(10), 1);
        Assert.Equal(6e10, Made.ReadRateOf(1e12), 1);
        Assert.Equal(7e10, Made.ReadRateOf(Math.Sqrt(1e8 * 1e9)), 1e3);
        Assert.Throws<ArgumentException>(() => Made.DecodingTime(config, 1, 0, new MachineMoment(0, 0)));
    }

    [Fact]
    public void ADecodedTokenReadsWeightsAndCache()
    {
        // 25 million weights of 10⁸ bytes: the cost there is known.
        DecoderConfig config = Presets.Llama(1024, 512, 8, 8, 1408, 4096) with { Head = new HeadConfig(Tied: true) };
        double weights = ParameterCount.Of(config).Total, each = 1e-10 * Math.Pow(4 * weights / 1e9, 0.1);
        double cache = CachePlan.Of(config).ElementsOf(1000);
        double page = 4e-10 * CachePlan.Of(config).ElementsOfToken;
        double one = Made.DecodingTime(config, 1, 0).Value, four = Made.DecodingTime(config, 4, 0).Value, far = Made.DecodingTime(config, 1, 1000).Value;
        Assert.Equal(weights * each + 8e-6, one, one * 1e-6);
        Assert.Equal(2 * weights * each + 8e-6, four, four * 1e-6);
        Assert.InRange(far - one - page, cache * 2e-11, cache * 1e-10);
        // Of a page each sequence has the whole, of a part of one as much of it.
        Assert.InRange(Made.DecodingTime(config, 1, 64).Value - one - page / 2, cache * 64 / 1000 * 2e-11, cache * 64 / 1000 * 1e-10);
        // Of experts only those are read that somebody chose.
        DecoderConfig experts = ParameterCountTests.DeepSeekV3();
        double alone = Made.DecodingTime(experts, 1, 0).Value, many = Made.DecodingTime(experts, 64, 0).Value;
        // Eight times as long for 64 rows, 18 times the weights, which a larger size makes 1.4 times as dear.
        Assert.InRange(many / alone, 8, 8 * 1.4 * 671 / 37.0);
        Assert.Throws<ArgumentException>(() => Made.DecodingTime(config, 0, 1));
    }

    [Fact]
    public void CostsAreFoundAndNeverNegative()
    {
        double[][] amounts = [[1, 0, 3], [2, 5, 0], [0, 1, 1], [4, 1, 2], [10, 0, 1]];
        double[] costs = NonNegativeFit.Fit(amounts, [.. amounts.Select(row => 2 * row[0] + 0.5 * row[1] + 3 * row[2])]);
        Assert.Equal(2, costs[0], 1e-6);
        Assert.Equal(0.5, costs[1], 1e-6);
        Assert.Equal(3, costs[2], 1e-6);
        // Where the best cost would be negative it is 0, and the others make the best of it.
        double[] bound = NonNegativeFit.Fit([[1, 1], [2, 1], [3, 1]], [0.5, 1.6, 2.6]);
        Assert.Equal(0, bound[1]);
        Assert.InRange(bound[0], 0.5, 1);
    }
}
