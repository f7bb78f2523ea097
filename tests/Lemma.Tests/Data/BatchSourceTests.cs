using Lemma.Data;

namespace Lemma.Tests.Data;

public class BatchSourceTests
{
    private static TokenDataset Count(int tokens) => new(Enumerable.Range(0, tokens).ToArray());

    [Fact]
    public void DocumentsArePackedAndCut()
    {
        TokenDataset packed = TokenDataset.Pack([[1, 2], [], [3]], endId: 9);
        Assert.Equal([1, 2, 9, 9, 3, 9], packed.Ids.ToArray());
        Assert.Equal([1, 2, 3], TokenDataset.Pack([[1, 2], [], [3]]).Ids.ToArray());
        Assert.Equal(9, packed.LargestId);
        (TokenDataset training, TokenDataset validation) = Count(1_115_394).Split();
        Assert.Equal((1_003_854, 111_540), (training.Count, validation.Count));
        Assert.Equal(1_003_854, validation.Ids[0]);
        Assert.Throws<ArgumentException>(() => packed.Split(1));
    }

    [Fact]
    public void EveryPermutationIsOneAndNoTwoAreAlike()
    {
        for (int count = 1; count < 300; count++)
        {
            Permutation permutation = new(count, seed: 3, number: 5);
            Assert.Equal(Enumerable.Range(0, count).Select(i => (long)i), Enumerable.Range(0, count).Select(i => permutation[i]).Order());
        }
        Permutation first = new(1000, 3, 5), otherSeed = new(1000, 4, 5), otherNumber = new(1000, 3, 6);
        Assert.True(Enumerable.Range(0, 1000).Count(i => first[i] == otherSeed[i]) < 10);
        Assert.True(Enumerable.Range(0, 1000).Count(i => first[i] == otherNumber[i]) < 10);
        Assert.True(Enumerable.Range(0, 1000).Count(i => first[i] == i) < 10);
    }

    // χ² over all 24 orders of four places; 23 degrees of freedom, 0.001 at 49.7.
    [Fact]
    public void EveryOrderOfFourIsAsLikely()
    {
        Dictionary<string, int> counts = [];
        for (ulong number = 0; number < 24_000; number++)
        {
            Permutation permutation = new(4, seed: 11, number);
            string order = $"{permutation[0]}{permutation[1]}{permutation[2]}{permutation[3]}";
            counts[order] = counts.GetValueOrDefault(order) + 1;
        }
        Assert.Equal(24, counts.Count);
        Assert.InRange(counts.Values.Sum(seen => (seen - 1000.0) * (seen - 1000.0) / 1000), 0, 60);
    }

    [Theory]
    [InlineData(9, 8, 1)]
    [InlineData(16, 8, 1)]
    [InlineData(17, 8, 3)]
    [InlineData(1000, 7, 4)]
    public void AnEpochShowsEachWindowOnce(int tokens, int length, int batch)
    {
        BatchSource source = new(Count(tokens), length, batch, seed: 1);
        HashSet<int> everSeen = [];
        List<int> starts = [];
        for (long number = 0; starts.Count < 40 * source.WindowsPerEpoch; number++)
        {
            (int[] inputs, int[] targets) = source.At(number);
            Assert.Equal(inputs.Select(id => id + 1), targets);
            for (int row = 0; row < batch; row++)
            {
                Assert.Equal(Enumerable.Range(inputs[row * length], length), inputs.Skip(row * length).Take(length));
                starts.Add(inputs[row * length]);
                everSeen.UnionWith(targets.Skip(row * length).Take(length));
            }
        }
        foreach (int[] epoch in starts.Take(40 * source.WindowsPerEpoch).Chunk(source.WindowsPerEpoch))
        {
            int[] sorted = [.. epoch.Order()];
            for (int i = 1; i < sorted.Length; i++)
                Assert.Equal(sorted[i - 1] + length, sorted[i]);
        }
        Assert.Equal(Enumerable.Range(1, tokens - 1), everSeen.Order());
    }

    [Theory]
    [InlineData(WindowOrder.Shuffled)]
    [InlineData(WindowOrder.Random)]
    public void ABatchDependsOnSeedAndNumberAlone(WindowOrder order)
    {
        BatchSource source = new(Count(5000), 16, 4, seed: 9, order), again = new(Count(5000), 16, 4, seed: 9, order),
            other = new(Count(5000), 16, 4, seed: 10, order);
        for (long number = 500; number > 0; number -= 7)
        {
            Assert.Equal(source.At(number).Inputs, again.At(number).Inputs);
            Assert.NotEqual(source.At(number).Inputs, other.At(number).Inputs);
            Assert.NotEqual(source.At(number).Inputs, source.At(number - 1).Inputs);
        }
        (long epoch, long position) = source.PositionOf(100);
        Assert.Equal(400, epoch * source.WindowsPerEpoch + position);
    }

    [Fact]
    public void RandomWindowsReachBothEnds()
    {
        BatchSource source = new(Count(40), 8, 16, seed: 2, WindowOrder.Random);
        HashSet<int> starts = [];
        for (long number = 0; number < 100; number++)
            starts.UnionWith(source.At(number).Inputs.Chunk(8).Select(window => window[0]));
        Assert.Equal(Enumerable.Range(0, 32), starts.Order());
    }

    [Fact]
    public void FillingTakesNoMemory()
    {
        BatchSource source = new(Count(5000), 16, 4, seed: 9);
        int[] inputs = new int[64], targets = new int[64];
        source.Fill(0, inputs, targets);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (long number = 0; number < 100; number++)
            source.Fill(number, inputs, targets);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void DataShorterThanAWindowIsRefusedWithBothNumbers()
    {
        TokenDataset validation = Count(100).Split(0.08).Validation;
        Assert.Equal("validation data: a window of length 8 needs 9 tokens, but there are 8",
            Assert.Throws<InvalidDataException>(() => new BatchSource(validation, 8, 1, 0)).Message);
        Assert.Throws<ArgumentException>(() => new BatchSource(Count(10), 0, 1, 0));
    }
}
