using Lemma.Evaluation;

namespace Lemma.Tests.Evaluation;

/// <summary>Spearman's correlation beside numbers worked out by hand.</summary>
public class RankCorrelationTests
{
    [Fact]
    public void EqualNumbersShareTheMeanOfTheirRanks()
    {
        // Ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4: 4.5/√(4.5·5).
        Assert.Equal(4.5 / Math.Sqrt(22.5), RankCorrelation.Spearman([1, 2, 2, 3], [10, 30, 20, 400]), 1e-12);
        Assert.Equal(1, RankCorrelation.Spearman([3, 1, 2], [30, -1, 2]), 1e-12);
        Assert.Equal(-1, RankCorrelation.Spearman([3, 1, 2], [-3, 7, 0]), 1e-12);
        Assert.Equal(0, RankCorrelation.Spearman([1, 1, 1], [1, 2, 3]));
        Assert.True(double.IsNaN(RankCorrelation.Spearman([1, double.NaN, 2], [1, 2, 3])));
        Assert.Contains("at least 2, but they have 1 and 1", Assert.Throws<ArgumentException>(() => RankCorrelation.Spearman([1], [1])).Message, StringComparison.Ordinal);
    }
}
