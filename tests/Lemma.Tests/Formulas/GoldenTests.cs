using Lemma.Formulas;

namespace Lemma.Tests.Formulas;

/// <summary>Golden cases: outputs and gradients in float64 by PyTorch, and further files that LEMMA_GOLDEN names.</summary>
[Trait("Kernels", "true")]
public class GoldenTests
{
    private static readonly string Own = Path.Combine(AppContext.BaseDirectory, "Golden", "ops.json");

    [Theory]
    [InlineData("ops.json", 96)]
    [InlineData("more.json", 114)]
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
    [InlineData("{", "case 0")]
    [InlineData("{\"format\": \"other\"}", "the format must be lemma-golden-1")]
    [InlineData("{\"format\": \"lemma-golden-1\", \"cases\": [{\"op\": \"relu\"}]}", "case 0")]
    public void ABrokenFileIsNamed(string text, string reason)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("broken.json", text);
        string message = Assert.Throws<InvalidDataException>(() => GoldenFile.Read(path)).Message;
        Assert.Contains(path, message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
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
