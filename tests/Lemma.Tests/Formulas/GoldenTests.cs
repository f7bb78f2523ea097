using Lemma.Formulas;

namespace Lemma.Tests.Formulas;

/// <summary>Golden cases: outputs and gradients in float64 by PyTorch, and further files that LEMMA_GOLDEN names.</summary>
[Trait("Kernels", "true")]
public class GoldenTests
{
    private static readonly string Own = Path.Combine(AppContext.BaseDirectory, "Golden", "ops.json");

    [Theory]
    [InlineData("ops.json", 96)]
    [InlineData("more.json", 123)]
    public void EveryCaseIsWithinItsTolerance(string file, int count) =>
        Assert.Equal(count, Check(Path.Combine(AppContext.BaseDirectory, "Golden", file)));

    [Fact]
    public void FurtherFilesAreWithinTheirTolerances()
    {
        string? names = Environment.GetEnvironmentVariable("LEMMA_GOLDEN");
        if (string.IsNullOrEmpty(names))
            Assert.Skip("LEMMA_GOLDEN names no files");
        foreach (string name in names.Split([Path.PathSeparator, ',', ' '], StringSplitOptions.RemoveEmptyEntries))
            Assert.True(Check(name) > 0, name);
    }

    [Fact]
    public void AWrongCaseFails()
    {
        GoldenCase good = GoldenFile.Read(Own)[0];
        Assert.True(good.Check().Passed);
        double[] output = [.. good.Output];
        output[5] += 1e-5;
        Assert.False((good with { Output = output }).Check().Passed);
        output[5] = double.NaN;
        Assert.False((good with { Output = output }).Check().Passed);
        Assert.False((good with { Shape = [168] }).Check().Passed);
        Assert.False((good with { Gradients = new Dictionary<string, double[]> { ["y"] = output } }).Check().Passed);
    }

    [Theory]
    [InlineData("{", "Expected depth")]
    [InlineData("[]", "the document must be an object, but it is []")]
    [InlineData("{\"cases\": []}", "format is missing")]
    [InlineData("{\"format\": \"other\"}", "the format must be lemma-golden-1")]
    [InlineData("{\"format\": \"lemma-golden-1\", \"cases\": null}", "cases must be a list, but it is null")]
    [InlineData("{\"format\": \"lemma-golden-1\", \"cases\": [{\"op\": \"relu\"}]}", "cases[0].inputs is missing")]
    [InlineData("{\"format\": \"lemma-golden-1\", \"cases\": [null]}", "cases[0] must be an object, but it is null")]
    public void ABrokenFileIsNamed(string text, string reason)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("broken.json", text);
        string message = Assert.Throws<InvalidDataException>(() => GoldenFile.Read(path)).Message;
        Assert.Contains(path, message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"op\": \"relu\"", "\"op\": null", "cases[0].op must be a word, but it is null")]
    [InlineData("\"attrs\": {}, ", "", "cases[0].attrs is missing")]
    [InlineData("\"attrs\": {}", "\"attrs\": {\"a\": null}",
        "cases[0].attrs.a must be a number, a word, true, false or a list of numbers, but it is null")]
    [InlineData("\"data\": [1, 2]", "\"data\": [1, null]", "cases[0].inputs.x.data[1] must be a number, but it is null")]
    [InlineData("\"data\": [1, 2]", "\"data\": null", "cases[0].inputs.x.data must be a list of numbers, but it is null")]
    [InlineData("\"shape\": [2]", "\"shape\": [65536, 65536, 65536, 65536]", "cases[0].inputs.x: values: the shape")]
    [InlineData("\"shape\": [2]", "\"shape\": [-1]", "cases[0].inputs.x.shape[0] must be a size, but it is -1")]
    [InlineData("\"shape\": [2]", "\"shape\": [1.5]", "cases[0].inputs.x.shape[0] must be a size, but it is 1.5")]
    [InlineData("\"inputs\": {", "\"inputs\": {\"x\": 1, ", "cases[0].inputs.x is there twice")]
    [InlineData("\"inputs\": {", "\"inputs\": {\"y\": [[1], 2], ",
        "cases[0].inputs.y[1] must be a list, as its neighbours are, but it is 2")]
    [InlineData("\"inputs\": {", "\"inputs\": {\"y\": [1, [2]], ",
        "cases[0].inputs.y[1] must be a number, as its neighbours are, but it is [2]")]
    [InlineData("\"output\"", "\"outputs\"", "cases[0].output is missing")]
    [InlineData("\"relu\"", "\"\\ud83d\"", "cases[0].op must have whole characters, but has half a surrogate pair")]
    [InlineData("\"x\"", "\"\\ud83d\"", "cases[0].inputs must have whole characters")]
    [InlineData("\"attrs\": {}", "\"attrs\": {\"a\": \"\\udc00\"}", "cases[0].attrs.a must have whole characters")]
    [InlineData("[1, 2]", "[1, \"\\ud83d\"]", "cases[0].inputs.x.data[1] must have whole characters")]
    public void ABrokenCaseNamesItsField(string from, string to, string reason)
    {
        const string Whole = "{\"format\": \"lemma-golden-1\", \"cases\": [{\"op\": \"relu\", \"attrs\": {}, "
            + "\"inputs\": {\"x\": {\"shape\": [2], \"data\": [1, 2]}}, \"output\": {\"shape\": [2], \"data\":[1, 2]}}]}";
        using TemporaryFolder folder = new();
        Assert.True(GoldenFile.Read(folder.Write("whole.json", Whole))[0].Check().Passed);
        string broken = folder.Write("broken.json", Whole.Replace(from, to, StringComparison.Ordinal));
        Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => GoldenFile.Read(broken)).Message, StringComparison.Ordinal);
    }

    private static int Check(string path)
    {
        IReadOnlyList<GoldenCase> cases = GoldenFile.Read(path);
        List<string> failures = [];
        foreach (GoldenCase one in cases)
        {
            GoldenResult result = one.Check();
            if (!result.Passed)
                failures.Add($"{one.Formula} {one.Describe()}: {result.Problem}: {result.Error:E2}, gradients {result.GradientError:E2}");
        }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        return cases.Count;
    }
}
