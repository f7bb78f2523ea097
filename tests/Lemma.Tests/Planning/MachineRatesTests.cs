using Lemma.Compute;
using Lemma.Planning;

namespace Lemma.Tests.Planning;

/// <summary>Rates of a machine are those of what was done.</summary>
public class MachineRatesTests
{
    [Fact]
    public void TypesHaveTheBytesThatProductsRead()
    {
        Assert.Equal(["F32", "F16", "BF16", "Q8_0", "Q4_K"], WeightRate.Types);
        Assert.Equal([4, 2, 2, 34 / 32.0], [.. WeightRate.Types.Take(4).Select(WeightRate.BytesOfWeight)]);
        // Of 256 weights 4 bits each, two halves, and 8 scales and minima of a byte each where a file has 12 for both.
        Assert.Equal(148 / 256.0, WeightRate.BytesOfWeight("Q4_K"));
        Assert.Contains("'Q5_9'", Assert.Throws<ArgumentException>(() => WeightRate.BytesOfWeight("Q5_9")).Message, StringComparison.Ordinal);
        using Workers workers = new(1);
        Assert.Throws<ArgumentException>(() => WeightRate.Measure(workers, "F31"));
    }

    [Fact]
    public void MoreRowsTakeLongerOfEveryType()
    {
        using Workers workers = new(2);
        foreach (string type in WeightRate.Types)
            Assert.InRange(WeightRate.TimeOfProduct(workers, type, 1, 64, 256), 1e-8, WeightRate.TimeOfProduct(workers, type, 256, 512, 512));
    }

    [Fact]
    public void MemoryIsReadWithinTheBytesThatAreAskedFor()
    {
        using Workers workers = new(2);
        // What lies in caches is not slower than what does not by much.
        Assert.InRange(MemoryRate.Measure(workers, 1 << 21, 0.01), 1e8, 1e14);
        Assert.InRange(MemoryRate.Measure(workers, 1, 0), 1e8, 1e14);
        MachineMoment moment = MachineMoment.Measure(workers, 1 << 21, 0.01);
        Assert.InRange(moment.ReadRate, 1e8, 1e14);
        Assert.InRange(moment.JobSeconds, 1e-9, 1e-2);
    }
}
