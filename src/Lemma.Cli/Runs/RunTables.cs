using Lemma.Cli.Display;

namespace Lemma.Cli.Runs;

/// <summary>Runs as text: a line each, or side by side with their curves.</summary>
internal static class RunTables
{
    private const int CurveHeight = 6, LabelWidth = 10, WidestCurve = 100;

    public static void WriteList(IReadOnlyList<RunSummary> runs) => WriteColumns([["run", "kind", "parameters", "steps", "best score", "tokens/s", "begun (UTC)"],
        .. runs.Select(run => (string[])[run.Folder, .. Cells(run)])]);

    /// <summary>The runs beside each other, with the options in which they differ, and a curve each on one scale.</summary>
    public static void WriteComparison(IReadOnlyList<RunSummary> runs, IReadOnlyList<RunCurve> curves, string metric)
    {
        string[] names = ["kind", "parameters", "steps", "best score", "tokens/s", "begun (UTC)"];
        string[][] cells = [.. runs.Select(Cells)];
        List<string[]> rows = [["", .. runs.Select(run => run.Folder)]];
        for (int i = 0; i < names.Length; i++)
            rows.Add([names[i], .. cells.Select(run => run[i])]);
        rows.Add([$"{metric}: last", .. curves.Select(curve => curve.Points.Count == 0 ? "-" : ScoreText.Number(curve.Points[^1].Value))]);
        rows.Add([$"{metric}: least", .. curves.Select(curve => curve.Points.Count == 0 ? "-" : ScoreText.Number(curve.Points.Min(point => point.Value)))]);
        foreach (string option in runs.SelectMany(run => run.Options.Keys).Distinct().Order(StringComparer.Ordinal))
        {
            string[] values = [.. runs.Select(run => run.Options.TryGetValue(option, out string? value) ? value : "-")];
            if (values.Distinct().Skip(1).Any())
                rows.Add([option, .. values]);
        }
        WriteColumns(rows);
        WriteCurves(curves, metric);
    }

    private static void WriteCurves(IReadOnlyList<RunCurve> curves, string metric)
    {
        (double Least, double Most) scale = RunCurve.ScaleOf(curves);
        long longest = curves.Max(curve => curve.LastStep);
        int width = Math.Clamp(Terminal.Width - LabelWidth - 2, 10, WidestCurve);
        foreach (RunCurve curve in curves.Where(curve => curve.Points.Count > 0))
        {
            Console.WriteLine();
            Console.WriteLine($"{curve.Name}: {metric} to step {curve.LastStep}");
            int columns = Math.Max(1, (int)(width * curve.LastStep / longest));
            string[] lines = LossCurve.Draw([.. curve.Points.Select(point => point.Value)], columns, CurveHeight, scale);
            for (int i = 0; i < lines.Length; i++)
            {
                string label = i == 0 ? ScoreText.Number(scale.Most) : i == lines.Length - 1 ? ScoreText.Number(scale.Least) : "";
                Console.WriteLine($"{label,LabelWidth} {lines[i].TrimEnd()}");
            }
        }
    }

    private static string[] Cells(RunSummary run) => [run.Kind, run.Parameters is { } parameters ? Amount.Count(parameters) : "-", Amount.Count(run.Step),
        run.BestText, run.TokensPerSecond is { } speed ? Amount.Count(speed) : "-", run.WhenText];

    private static void WriteColumns(List<string[]> rows)
    {
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
            Console.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }
}
