using System.CommandLine;
using Lemma.Cli.Parsing;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma quickstart</c>: from nothing to a model that tells stories, on this machine.</summary>
internal static class QuickstartCommand
{
    public static Command Build()
    {
        Option<string?> output = Choice.Text("--out", "DIR", "The run's folder; runs/quickstart without it, runs/full with --full");
        Option<bool> force = Choice.Flag("--force", "Begin anew in a folder that holds a run");
        Option<double?> minutes = Choice.Number("--minutes", "About how long to train; without it a fixed number of steps, and so the "
            + "same model for a seed", least: 0.05);
        Option<bool> full = Choice.Flag("--full", "All stages: pretraining, instructions, preferences, rewards, and a table of what each changed; "
            + "about a quarter of an hour");
        Option<ulong?> seed = Choice.Seed();
        Option<int?> threads = Choice.Threads();
        Command command = new("quickstart", "Train a small model on the built-in stories, and see how close it comes to their true "
            + "entropy.")
        {
            full, output, force, minutes, seed, threads,
        };
        Examples.Add(command,
            ("source, tokenizer, training, evaluation, a story", "lemma quickstart"),
            ("from nothing to a tuned model", "lemma quickstart --full"),
            ("a longer one elsewhere", "lemma quickstart --minutes 10 --out runs/stories"));
        command.SetAction(parsed =>
        {
            bool all = parsed.GetValue(full), anew = parsed.GetValue(force);
            string folder = parsed.GetValue(output) ?? Path.Combine("runs", all ? "full" : "quickstart");
            ulong chosen = parsed.GetValue(seed)!.Value;
            if (all && parsed.GetValue(minutes) is not null)
                throw new UsageException("--minutes: the stages of --full have numbers of steps");
            RunFolder.Check(folder, resume: false, anew);
            return all ? new FullQuickstart(folder, chosen, parsed.GetValue(threads)).Run(anew)
                : new Quickstart(folder, chosen, parsed.GetValue(threads)).Run(parsed.GetValue(minutes), anew);
        });
        return command;
    }
}
