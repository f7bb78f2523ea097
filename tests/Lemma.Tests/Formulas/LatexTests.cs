using System.Diagnostics;
using System.Text.Json;
using Lemma.Formulas;

namespace Lemma.Tests.Formulas;

/// <summary>Every formula of the index is LaTeX that GitHub shows: by a parse of our own, and by KaTeX where it is there.</summary>
public class LatexTests
{
    public static TheoryData<string> Names => [.. FormulaIndex.All.Select(formula => formula.Name)];

    [Theory, MemberData(nameof(Names))]
    public void TheLatexOfEveryFormulaIsSound(string name) =>
        Assert.All(FormulaIndex.Find(name).Latex.Split('\n'), display => Assert.Null(LatexCheck.Problem(display)));

    [Theory]
    [InlineData(@"\frac{1}{2", "'}' is missing")]
    [InlineData(@"x}", "closes nothing")]
    [InlineData(@"\left(x", "'right' is missing")]
    [InlineData(@"x\right)", "closes nothing")]
    [InlineData(@"\left x\right)", "delimiter")]
    [InlineData(@"\frac{1}", "argument is missing")]
    [InlineData(@"\sqrt{}", "argument is empty")]
    [InlineData(@"\fraq{1}{2}", @"\fraq is not a known command")]
    [InlineData(@"x^2^3", "'^' has nothing")]
    [InlineData(@"_i", "'_' has nothing")]
    [InlineData(@"\hat{y}_i", "for Markdown's sake")]
    [InlineData(@"\lbrace x\,y", @"\lbrace is not a known command")]
    [InlineData(@"x\, y", "for Markdown's sake")]
    [InlineData(@"a < b", "'<'")]
    [InlineData(@"π(y)", "'π'")]
    [InlineData(@"a & b", "outside of cases")]
    [InlineData(@"\begin{cases} a & b \cr c", "'end' is missing")]
    public void WhatIsWrongIsSaid(string text, string problem) =>
        Assert.Contains(problem, LatexCheck.Problem(text), StringComparison.Ordinal);

    [Fact]
    public async Task KatexRendersEveryFormula()
    {
        string? katex = FindKatex();
        if (katex is null)
            Assert.Skip("KaTeX is not there: LEMMA_KATEX names no folder of the npm package, and ~/.cache/lemma-katex has none");
        const string Script = """
            const katex = require(process.argv[1] + '/dist/katex.js');
            const problems = [];
            for (const [name, text] of JSON.parse(require('fs').readFileSync(0, 'utf8'))) {
              try { katex.renderToString(text, { displayMode: true, throwOnError: true, strict: 'error' }); }
              catch (e) { problems.push(name + ': ' + e.message); }
            }
            process.stdout.write(problems.join('\n'));
            """;
        ProcessStartInfo start = new("node", ["-e", Script, katex])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process node = Process.Start(start)!;
        string[][] displays = [.. FormulaIndex.All.SelectMany(formula => formula.Latex.Split('\n'),
            static (formula, display) => new[] { formula.Name, display })];
        await node.StandardInput.WriteAsync(JsonSerializer.Serialize(displays).AsMemory(), TestContext.Current.CancellationToken);
        node.StandardInput.Close();
        string problems = await node.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        string errors = await node.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await node.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("", problems + errors);
        Assert.Equal(0, node.ExitCode);
    }

    private static string? FindKatex()
    {
        string cache = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "lemma-katex",
            "node_modules", "katex");
        string folder = Environment.GetEnvironmentVariable("LEMMA_KATEX") is { Length: > 0 } given ? given : cache;
        bool hasNode = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(one => File.Exists(Path.Combine(one, OperatingSystem.IsWindows() ? "node.exe" : "node")));
        return hasNode && File.Exists(Path.Combine(folder, "dist", "katex.js")) ? folder : null;
    }
}
