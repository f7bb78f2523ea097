using System.Numerics;
using Lemma.Text;
using Lemma.Text.Models.ByteLevel;

namespace Lemma.Tests.Text;

/// <summary>Nobody who knows the source knows which words meet in one slot.</summary>
public sealed class HashKeysTests
{
    [Theory]
    [InlineData(0x9E3779B97F4A7C15UL)]
    [InlineData(0xC2B2AE3D27D4EB4FUL)]
    [InlineData(1UL)]
    public void WordsMadeToMeetUnderAKnownNumberDoNot(ulong known)
    {
        // Products of these with the known number are 0, 1, 2, ...: their highest bits are the same.
        ulong inverse = known;
        for (int i = 0; i < 6; i++)
            inverse *= 2 - (known * inverse);
        Assert.Equal(1UL, known * inverse);
        int slots = Enumerable.Range(0, 20_000).Select(i => new WordKey((ulong)i * inverse, 8UL << 56).Hash >> 46).Distinct().Count();
        Assert.InRange(slots, 11, 20_000);
    }

    [Fact]
    public void TheNumbersAreOddAndReachTheHighestBits()
    {
        Assert.All([HashKeys.First, HashKeys.Second], static key => Assert.True((key & 1) == 1 && BitOperations.Log2(key) == 63));
        Assert.NotEqual(HashKeys.First, HashKeys.Second);
    }
}
