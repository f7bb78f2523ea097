using Lemma.Compute;
using Lemma.Models;
using Lemma.Planning;

namespace Lemma.Tests.Planning;

/// <summary>What a calibration makes of the times it takes.</summary>
public sealed class CalibrationTests
{
    [Fact]
    public void ProbesTakeTurnsAndTheLeastOfEachCounts()
    {
        List<int> order = [];
        double[][] times = [[3, 1, 2], [5, 6, 4]];
        int[] calls = new int[2];
        double[] least = Calibration.Least([.. Enumerable.Range(0, 2).Select(probe => (Func<double>)(() =>
        {
            order.Add(probe);
            return times[probe][calls[probe]++];
        }))]);
        Assert.Equal([1.0, 4.0], least);
        Assert.Equal([0, 1, 0, 1, 0, 1], order);
    }

    [Fact]
    public void WhatIsMeasuredBesideATimeIsThatOfTheLeastOne()
    {
        (double, double)[] pairs = [(3, 30), (1, 10), (2, 20)];
        int calls = 0;
        Assert.Equal([(1.0, 10.0)], Calibration.LeastPairs([() => pairs[calls++]]));
        Assert.Equal(3, calls);
    }

    [Fact]
    public void TheSpreadIsThatOfTheErrorsBesideWhatWasFitted()
    {
        Assert.Equal(Math.Sqrt(0.06 / 2), Calibration.SpreadOf([0.1, -0.1, 0.2], 1), 12);
        Assert.Equal(Math.Sqrt(0.06), Calibration.SpreadOf([0.1, -0.1, 0.2], 5), 12);
        Assert.Equal(1e-3, Calibration.SpreadOf([0, 0], 0));
    }

    [Fact]
    public void BlocksAndShorterContextsAreTakenFromTimes()
    {
        Assert.Equal([Math.Log(4000), Math.Log(4), Math.Log(8e-4 / 1000)], Calibration.CostOf(1000, 4, 1e-3, 2e-4));
        // Blocks cannot be all of it: weights are read too.
        Assert.Equal(Math.Log(0.05 * 1e-3 / 1000), Calibration.CostOf(1000, 4, 1e-3, 2e-3)[2], 12);
        DecoderConfig config = Presets.Llama(64, width: 32, layers: 2, heads: 2, hidden: 48, length: 2048);
        double elements = 2 * 2 * 32 * 1024, weights = ParameterCount.Of(config).Total;
        double[] cost = Calibration.CacheCostOf(config, 1e-4);
        Assert.Equal(Math.Log(4 * (elements + weights)), cost[0], 12);
        Assert.Equal(1e-4 / elements, cost[1], 1e-4 / elements * 1e-12);
        Assert.Equal(1e-13, Calibration.CacheCostOf(config, -1e-4)[1]);
    }

    [Fact]
    public void MoreWorkTakesLonger()
    {
        using Workers workers = new(1);
        Calibration calibration = new(workers, null);
        DecoderConfig config = Presets.Llama(64, width: 32, layers: 2, heads: 2, hidden: 96, length: 256), wide = Presets.Llama(256, 256, 2, 4, 688, 256);
        double small = calibration.TimeOfStep(config, new StepShape(1, 16)), large = calibration.TimeOfStep(config, new StepShape(8, 256));
        Assert.InRange(small, 1e-7, large / 3);
        double narrow = calibration.TimeOfToken(config, 1, 4), broad = calibration.TimeOfToken(wide, 8, 200);
        Assert.InRange(narrow, 1e-7, broad / 2);
    }
}
