using System.CommandLine;
using Lemma.Cli.Parsing;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma quickstart</c>: from nothing to a model that tells stories, on this machine.</summary>
internal static class QuickstartCommand
{
    public static Command Build()
    {
        Option<string?> output = Choice.Text("--out", "DIR", "The run's folder; runs/quickstart without it");
        Option<bool> force = Choice.Flag("--force", "Begin anew in a folder that holds a run");
        Option<double?> minutes = Choice.Number("--minutes", "About how long to train; without it a fixed number of steps, and so the same model for a seed", least: 0.05);
        Option<ulong?> seed = Choice.Seed();
        Option<int?> threads = Choice.Threads();
        Command command = new("quickstart", "Train a small model on the built-in stories, and see how close it comes to their true entropy.")
        {
            output, force, minutes, seed, threads,
        };
        Examples.Add(command,
            ("source, tokenizer, training, evaluation, a story", "lemma quickstart"),
            ("a longer one elsewhere", "lemma quickstart --minutes 10 --out runs/stories"));
        command.SetAction(parsed => Run(parsed.GetValue(output) ?? Path.Combine("runs", "quickstart"), parsed.GetValue(force),
            parsed.GetValue(minutes), parsed.GetValue(seed)!.Value, parsed.GetValue(threads)));
        return command;
    }

    private static int Run(string folder, bool force, double? minutes, ulong seed, int? threads)
    {
        RunFolder.Check(folder, resume: false, force);
        return new Quickstart(folder, seed, threads).Run(minutes, force);
    }
}
