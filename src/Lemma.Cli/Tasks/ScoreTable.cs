using System.Globalization;
using Lemma.Cli.Display;
using Lemma.Evaluation.Tasks;

namespace Lemma.Cli.Tasks;

/// <summary>Scores as people read them: shares in percent, others as numbers.</summary>
internal static class ScoreTable
{
    public static void Write(string path, TaskResult result)
    {
        List<(string, string)> rows = [.. result.Scores.Select(score => (score.Name, double.IsNaN(score.StandardError) ? Number(score.Name, score.Value)
            : $"{Number(score.Name, score.Value)}, standard error {Number(score.Name, score.StandardError)}"))];
        if (result.Chance is { } chance)
            rows.Add(("by chance", Amount.Percent(chance)));
        int shots = result.Task.Examples.Count;
        rows.Add(("items", Amount.Count(result.Task.Items.Count)));
        rows.Add(("examples", shots == 0 ? "none" : $"{shots} before each, {result.Task.Examples[0].Source} and on"));
        rows.Add(("prompts", result.PromptForm));
        ResultTable.Write($"{path} in {result.Task.Name}", rows);
    }

    public static void Write(string[] paths, string name, IReadOnlyList<PairedDifference> differences, IReadOnlyList<(string, string)> more) =>
        ResultTable.Write($"A = {paths[0]}, B = {paths[1]} in {name}", [.. differences.Select(one => (one.Name, Line(one))), .. more]);

    public static (string, string)[] Wins(TaskScore wins, string judge) =>
        [(wins.Name, $"A {Amount.Percent(wins.Value)}, standard error {Amount.Percent(wins.StandardError)}; judged by {judge}")];

    private static string Line(PairedDifference one) => $"A {Number(one.Name, one.A)}, B {Number(one.Name, one.B)}; A − B {Number(one.Name, one.Difference)}, "
        + $"95 % from {Number(one.Name, one.Lower)} to {Number(one.Name, one.Upper)}; A is better in {Amount.Percent(one.ShareForA)} of draws";

    private static string Number(string name, double value) => name is "loss" or "perplexity" or "bits a byte"
        ? value.ToString("0.0000", CultureInfo.InvariantCulture) : Amount.Percent(value);
}
