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
        OptimizerCosts = new Dictionary<string, double> { ["AdamW"] = 5e-10, ["Lion"] = 4e-10 },
        StepSpread = 0.05,
        DecodingCosts = [.. from bytes in (double[])[1e6, 1e8, 1e9] from rows in (double[])[1, 16]
            select (double[])[Math.Log(bytes), Math.Log(rows), Math.Log(1e-10 * Math.Pow(bytes / 1e9, 0.1) * Math.Pow(rows, 0.5))]],
        CacheCosts = [[Math.Log(1e6), 2e-11], [Math.Log(1e9), 1e-10]],
        BlockCost = 1e-6,
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
    [InlineData("\"version\": 1", "\"version\": 2", "version 2 is not 1")]
    [InlineData("\"threads\": 2", "\"threads\": 0", "threads")]
    [InlineData("\"attention_cost\": 3E-12", "\"attention_cost\": -1", "attention_cost")]
    [InlineData("\"step_spread\": 0.05", "\"step_spread\": \"wide\"", "step_spread")]
    [InlineData("\"other_costs\": [", "\"other_costs\": [ 1,", "must have 3 numbers, but it has 4")]
    [InlineData("\"decoding_costs\": [", "\"decoding_costs\": [ 1,", "grid")]
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
        Assert.False(Made.Knows(new MuonOptions()));
        Assert.Contains("Muon", Assert.Throws<ArgumentException>(() => Made.StepTime(StepPlan.Of(config, new StepShape(1, 8) { Optimizer = new MuonOptions() }))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void ADecodedTokenReadsWeightsAndCache()
    {
        // 25 million weights of 10⁸ bytes: the cost there is known.
        DecoderConfig config = Presets.Llama(1024, 512, 8, 8, 1408, 4096) with { Head = new HeadConfig(Tied: true) };
        double weights = ParameterCount.Of(config).Total, each = 1e-10 * Math.Pow(4 * weights / 1e9, 0.1);
        double cache = CachePlan.Of(config).ElementsOf(1000);
        double one = Made.DecodingTime(config, 1, 0).Value, four = Made.DecodingTime(config, 4, 0).Value, far = Made.DecodingTime(config, 1, 1000).Value;
        Assert.Equal(weights * each + 8e-6, one, one * 1e-6);
        Assert.Equal(2 * weights * each + 8e-6, four, four * 1e-6);
        Assert.InRange(far - one, cache * 2e-11, cache * 1e-10);
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
