using Lemma.Cli;
using Lemma.Cli.Commands;

namespace Lemma.Tests.Cli;

/// <summary>lemma quickstart --full, at a small share of its steps.</summary>
[Collection("console")]
public class FullQuickstartTests
{
    [Fact]
    public void EveryStageGoesOnFromTheOneBeforeAndStandsInTheTable()
    {
        using TemporaryFolder folder = new();
        (int code, string output, _) = InProcess.Capture(() => new FullQuickstart(folder["full"], seed: 1, threads: 2, share: 0.002).Run(clear: false));
        Assert.Equal(CommandLine.Done, code);
        string[] lines = output.Split('\n');
        int title = Array.FindIndex(lines, line => line.StartsWith("What each stage changed", StringComparison.Ordinal));
        Assert.Equal(["stage", "base", "sft", "dpo", "grpo"], lines.Skip(title + 1).Take(5).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]));
        Assert.Contains($"--model {folder["full/sft"]}", lines.Single(line => line.StartsWith("== dpo", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.All(new[] { "base", "sft", "dpo", "grpo" }, stage => Assert.True(File.Exists(folder[$"full/{stage}/best/config.json"])));
    }

    [Fact]
    public void ShortStoriesAreOfTheBuiltInSourceAlone() => Assert.Contains("--short-stories: it changes the built-in source, but --data is given",
        InProcess.Bad(2, "sft --model nothing --data chats.jsonl --short-stories"), StringComparison.Ordinal);

    [Fact]
    public void ATimeForAllStagesIsRefused() =>
        Assert.Contains("--minutes: the stages of --full have numbers of steps", InProcess.Bad(2, "quickstart --full --minutes 1"), StringComparison.Ordinal);
}
