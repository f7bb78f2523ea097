using Lemma.Evaluation.Tasks;

namespace Lemma.Tests.Evaluation;

/// <summary>Means, standard errors and paired comparisons whose values are known by hand.</summary>
public class TaskScoreTests
{
    private static readonly double[] Ones = [1, 1, 1, 1];

    [Fact]
    public void AMeanHasTheStandardErrorOfASample()
    {
        TaskScore score = new("x", [1, 0, 0, 1], Ones);
        Assert.Equal(0.5, score.Value);
        // The sample's variance is (4·¼)/3.
        Assert.Equal(Math.Sqrt(1.0 / 3 / 4), score.StandardError, 1e-15);
        Assert.True(double.IsNaN(new TaskScore("x", [1], [1]).StandardError));
    }

    [Fact]
    public void ARatioHasTheErrorOfItsItemsAndPerplexityOfTheRatio()
    {
        TaskScore loss = new("loss", [2, 9], [1, 3], IsHigherBetter: false);
        Assert.Equal(2.75, loss.Value);
        // Residuals are 2 − 2.75 and 9 − 8.25.
        double error = Math.Sqrt(2.0 / 1 * (0.75 * 0.75 * 2)) / 4;
        Assert.Equal(error, loss.StandardError, 1e-15);
        TaskScore perplexity = loss with { IsExponential = true };
        Assert.Equal((Math.Exp(2.75), Math.Exp(2.75) * error), (perplexity.Value, perplexity.StandardError));
        Assert.Equal(Math.Exp(3), perplexity.Of(1));
    }

    [Theory]
    [InlineData("", "", 1), InlineData("", "ab", 0), InlineData("kitten", "sitting", 1 - 3.0 / 7), InlineData("flaw", "lawn", 0.5), InlineData("🎉a", "🎈a", 0.5), InlineData("abc", "abc", 1)]
    public void EditSimilarityIsThatOfLevenshteinsDistance(string a, string b, double similarity)
    {
        Assert.Equal(similarity, EditSimilarity.Of(a, b), 1e-15);
        Assert.Equal(similarity, EditSimilarity.Of(b, a), 1e-15);
    }

    [Fact]
    public void TheBootstrapHasTheDistributionThatIsKnown()
    {
        // Of two items with the differences 0 and 1 a draw has the mean 0, ½, 1 in a quarter, a half, a quarter of all.
        PairedDifference known = PairedBootstrap.Compare(new("x", [1, 1], [1, 1]), new("x", [1, 0], [1, 1]));
        Assert.Equal((0.5, 0, 1), (known.Difference, known.Lower, known.Upper));
        Assert.Equal(0.875, known.ShareForA, 0.015);
        PairedDifference one = PairedBootstrap.Compare(new("x", [0.75, 1.25, 0.5, 2], Ones), new("x", [0.5, 1, 0.25, 1.75], Ones));
        Assert.Equal((0.25, 0.25, 0.25, 1), (one.Difference, one.Lower, one.Upper, one.ShareForA));
        PairedDifference none = PairedBootstrap.Compare(new("x", [1, 2, 3, 4], Ones), new("x", [1, 2, 3, 4], Ones));
        Assert.Equal((0, 0, 0, 0.5), (none.Difference, none.Lower, none.Upper, none.ShareForA));
    }

    [Fact]
    public void TheIntervalIsThatOfTheNormalDistributionForManyItems()
    {
        double[] a = [.. Enumerable.Range(0, 400).Select(i => Math.Sin(i * i))], b = [.. Enumerable.Range(0, 400).Select(i => Math.Cos(3 * i * i) - 0.1)], ones = [.. a.Select(_ => 1.0)];
        double[] difference = [.. a.Zip(b, (x, y) => x - y)];
        double error = new TaskScore("d", difference, ones).StandardError, mean = difference.Average();
        PairedDifference compared = PairedBootstrap.Compare(new("d", a, ones), new("d", b, ones));
        Assert.Equal(mean - 1.96 * error, compared.Lower, 0.1 * error);
        Assert.Equal(mean + 1.96 * error, compared.Upper, 0.1 * error);
        Assert.Equal(compared, PairedBootstrap.Compare(new("d", a, ones), new("d", b, ones)));
        Assert.NotEqual(compared, PairedBootstrap.Compare(new("d", a, ones), new("d", b, ones), seed: 2));
    }

    [Fact]
    public void OfALossLessIsBetter()
    {
        PairedDifference less = PairedBootstrap.Compare(new("loss", [1, 2], [1, 2], false, true), new("loss", [2, 4], [1, 2], false, true));
        Assert.Equal(1, less.ShareForA);
        Assert.Equal(Math.E - Math.E * Math.E, less.Difference, 1e-12);
    }

    [Fact]
    public void OtherItemsAreNotCompared()
    {
        TaskScore two = new("x", [1, 2], [1, 1]);
        Assert.Contains("'x' of 2 and 'x' of 4", Assert.Throws<ArgumentException>(() => PairedBootstrap.Compare(two, new("x", [1, 2, 3, 4], Ones))).Message, StringComparison.Ordinal);
        Assert.Contains("'x' of 2 and 'y' of 2", Assert.Throws<ArgumentException>(() => PairedBootstrap.Compare(two, two with { Name = "y" })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => PairedBootstrap.Compare(new("x", [1], [1]), new("x", [1], [1])));
    }

    [Fact]
    public void PiecesEndWithLinesAndAreTheText()
    {
        string text = string.Concat(Enumerable.Range(0, 30).Select(i => new string('x', i % 7) + "\n"));
        IReadOnlyList<string> pieces = TextScore.Pieces([text, " \n", "short"], length: 10);
        Assert.Equal(text + "short", string.Concat(pieces));
        Assert.All(pieces.SkipLast(1), piece => Assert.True(piece.Length >= 10 && piece[^1] == '\n'));
        Assert.Equal("short", pieces[^1]);
        Assert.True(pieces.Count > 5);
        Assert.Equal(["no line"], TextScore.Pieces(["no line"], length: 2));
        Assert.Equal(["a\n", "b\n", "c"], TextScore.Pieces(["a\nb\nc"], length: 1));
    }
}
