using System.CommandLine;
using System.Text;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Cli.Runs;
using Lemma.Formats;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma runs</c>: the runs beneath a folder, or some of them side by side.</summary>
internal static class RunsCommand
{
    private const string UsualFolder = "runs", UsualMetric = "loss";

    public static Command Build()
    {
        Argument<string[]> folders = new("FOLDER")
        {
            Description = "A folder with runs, which are listed; or runs, which are compared. runs without it",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<string?> metric = Choice.Text("--metric", "NAME", "What is compared, as metrics.jsonl names it: loss without it");
        Option<string?> svg = Choice.Text("--svg", "FILE", "Write the curves as a picture");
        Option<bool> json = Choice.Flag("--json", "A JSON object a run, on a line each; compared ones with their steps and values");
        Command command = new("runs", "List training runs, and compare them.") { folders, metric, svg, json };
        Examples.Add(command,
            ("all runs of this folder", "lemma runs"),
            ("two of them side by side", "lemma runs runs/sft runs/lora --metric validation_loss"),
            ("curves of all as a picture", "lemma runs runs --metric loss --svg loss.svg"));
        command.SetAction(parsed => Run(parsed.GetValue(folders) ?? [], parsed.GetValue(metric), parsed.GetValue(svg), parsed.GetValue(json)));
        return command;
    }

    private static int Run(string[] folders, string? metric, string? svg, bool json)
    {
        bool lists = folders.Length < 2 && metric is null && svg is null && !(folders.Length == 1 && RunSummary.IsRun(folders[0]));
        RunSummary[] runs = [.. Find(folders).Select(RunSummary.Read)];
        if (lists)
            List(runs, json);
        else
            Compare(runs, metric ?? UsualMetric, svg, json);
        return CommandLine.Done;
    }

    private static string[] Find(string[] folders)
    {
        // Of several each must be a run; one alone may be a folder of runs.
        if (folders.Length > 1)
            return folders;
        string folder = folders is [var only] ? only : UsualFolder;
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"there is no folder '{folder}'");
        string[] beneath = [.. RunSummary.Beneath(folder)];
        return beneath.Length > 0 ? beneath : throw new InvalidDataException($"there is no run beneath '{folder}'");
    }

    private static void List(RunSummary[] runs, bool json)
    {
        if (!json)
            RunTables.WriteList(runs);
        foreach (RunSummary run in json ? runs : [])
            JsonLine.Write(run.WriteJson);
    }

    private static void Compare(RunSummary[] runs, string metric, string? svg, bool json)
    {
        RunCurve[] curves = [.. runs.Select(run => RunCurve.Of(run, metric))];
        if (curves.All(curve => curve.Points.Count == 0))
            throw new InvalidDataException($"--metric: no run has '{metric}'; there are {string.Join(", ", runs.SelectMany(run => run.Metrics.Names).Distinct())}");
        if (svg is not null)
            AtomicFile.Write(svg, stream => stream.Write(Encoding.UTF8.GetBytes(RunPicture.Svg(curves, metric))));
        if (!json)
            RunTables.WriteComparison(runs, curves, metric);
        for (int i = 0; json && i < runs.Length; i++)
        {
            int at = i;
            JsonLine.Write(writer =>
            {
                runs[at].WriteJson(writer);
                writer.WriteString("metric", metric);
                writer.WriteStartArray("steps");
                foreach ((long step, _) in curves[at].Points)
                    writer.WriteNumberValue(step);
                writer.WriteEndArray();
                writer.WriteStartArray("values");
                foreach ((_, double value) in curves[at].Points)
                    writer.WriteNumberValue(value);
                writer.WriteEndArray();
            });
        }
        if (svg is not null && !json)
            Console.WriteLine($"{Environment.NewLine}{svg}: {curves.Length} curves of {metric}");
    }
}
