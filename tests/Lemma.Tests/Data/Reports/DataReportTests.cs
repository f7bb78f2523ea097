using System.Text.Json;
using Lemma.Data;

namespace Lemma.Tests.Data.Reports;

/// <summary>A report counts what it is told, and says it in lines and in JSON.</summary>
public sealed class DataReportTests
{
    [Fact]
    public void LengthsAndReasonsAreCounted()
    {
        DataReport report = new();
        foreach ((int tokens, bool isCut) in new[] { (9, false), (1, false), (16, false), (17, true), (1000, true) })
        {
            report.CountRead();
            report.CountEncoded(tokens, tokens / 2, isCut);
        }
        foreach (DropReason reason in new[] { DropReason.TooLong, DropReason.EmptyAnswer, DropReason.TooLong })
        {
            report.CountRead();
            report.CountDropped(reason, $"file: line {report.Read}");
        }
        Assert.Equal((8, 5, 3, 5, 2), (report.Read, report.Kept, report.Dropped, report.Encoded, report.Cut));
        Assert.Equal((1043, 520, 1, 16, 1000), (report.Tokens, report.Counted, report.Least, report.Median, report.Most));
        Assert.Equal([(1, 1), (2, 0), (4, 0), (8, 0), (16, 2), (32, 1), (64, 0), (128, 0), (256, 0), (512, 0), (1024, 1)], report.Histogram);
        Assert.Equal("8 read, 5 kept, 1 empty answer, 2 too long", report.Summary);
        Assert.Equal(
        [
            "8 examples read, 5 kept",
            "  1 left out: empty answer (the first: file: line 7)",
            "  2 left out: too long (the first: file: line 6)",
            "1,043 tokens, 520 of them predicted; 2 examples cut",
            "tokens of an example: 1 at least, 16 in the middle, 1,000 at most",
            "  up to         1         1 ####################",
        ], report.Lines().Take(6));
        Assert.Equal("  up to        16         2 ########################################", report.Lines()[9]);
        Assert.Equal("  up to         2         0", report.Lines()[6]);
        report.CountEncoded(4, 2, false, isEndless: true);
        Assert.Equal("1 examples do not end with an id that ends a text, so the model learns to write on: has the chat template an eos_token?", report.Lines()[4]);
        Assert.Equal(1, JsonDocument.Parse(report.ToJson()).RootElement.GetProperty("endless").GetInt64());
        JsonElement json = JsonDocument.Parse(report.ToJson()).RootElement;
        Assert.Equal((9, 1047, 9), (json.GetProperty("read").GetInt64(), json.GetProperty("tokens").GetInt64(), json.GetProperty("median").GetInt64()));
        Assert.Equal((2, "file: line 6"), (json.GetProperty("dropped").GetProperty("too long").GetProperty("count").GetInt64(),
            json.GetProperty("dropped").GetProperty("too long").GetProperty("first").GetString()));
        Assert.Equal(11, json.GetProperty("histogram").GetArrayLength());
    }

    [Fact]
    public void AnEmptyReportSaysSo()
    {
        DataReport report = new();
        Assert.Equal((0, 0, 0), (report.Least, report.Median, report.Most));
        Assert.Empty(report.Histogram);
        Assert.Equal(["0 examples read, 0 kept"], report.Lines());
        Assert.Equal(0, JsonDocument.Parse(report.ToJson()).RootElement.GetProperty("tokens").GetInt64());
    }

    [Fact]
    public void EveryReasonHasAName()
    {
        DataReport report = new();
        foreach (DropReason reason in Enum.GetValues<DropReason>())
            report.CountDropped(reason, "here");
        Assert.Equal(Enum.GetValues<DropReason>().Length, report.Lines().Skip(1).Distinct().Count());
    }
}
