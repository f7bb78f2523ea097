using System.Diagnostics;
using System.Globalization;
using Lemma.Checkpoints;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Text;
using Lemma.Training;
using Spectre.Console;

namespace Lemma.Cli.Commands;

/// <summary>All stages on the built-in stories: tokenizer and pretraining, instructions, preferences, rewards; and what each changed.</summary>
/// <remarks>Each stage is the command that a user would give, and says so.</remarks>
/// <param name="folder">The folder of the stages' folders.</param>
/// <param name="seed">The seed of everything.</param>
/// <param name="threads">Threads; null for one a processor.</param>
/// <param name="share">The share of all steps and examples, for a look at the whole.</param>
internal sealed class FullQuickstart(string folder, ulong seed, int? threads, double share = 1)
{
    // Short stories, norms of queries and keys, and Muon: so a model learns to follow them in some minutes.
    private static readonly FirstStage First = new(StoryOptions.Short,
        Quickstart.Shape.WithBlocks(block => block with { Mixer = (AttentionConfig)block.Mixer with { QueryKeyNorm = new RmsNormConfig() } }),
        Quickstart.Options with { Steps = 6000, LearningRate = 3e-3, Optimizer = new MuonOptions { RestRateScale = 1 } });

    // Each tuning: the stage that it goes on from, how many examples and steps it has, and its further options. A few lists among the instructions begin
    // what rewards finish; stories among them keep the telling of stories.
    private static readonly (string Name, string From, int Examples, int Steps, string[] Further)[] Tunings =
    [
        ("sft", "base", 40000, 1600, ["--optimizer", "muon", "--learning-rate", "2e-3", "--lists", "0.03", "--replay", "0.2"]),
        ("dpo", "sft", 12000, 150, ["--rows", "8192", "--learning-rate", "2e-4"]),
        ("grpo", "sft", 8000, 100, ["--prompts", "32", "--learning-rate", "3e-4", "--lists", "0.9"]),
    ];

    private readonly List<(string Stage, TimeSpan Time, StageScore Score)> stages = [];

    public int Run(bool clear)
    {
        Stopwatch watch = Stopwatch.StartNew();
        string basis = Path.Combine(folder, "base");
        Say("base", "tokenizer and pretraining on stories, as lemma quickstart does");
        int code = new Quickstart(basis, seed, threads, First with { Options = First.Options with { Steps = Share(First.Options.Steps) } })
            .Run(null, clear);
        if (code != CommandLine.Done)
            return code;
        stages.Add(("base", watch.Elapsed, Judge(basis)));
        foreach ((string name, string from, int examples, int steps, string[] further) in Tunings)
        {
            watch.Restart();
            string[] line = [name, "--short-stories", "--model", Path.Combine(folder, from), "--out", Path.Combine(folder, name), "--examples", $"{Share(examples)}",
                "--steps", $"{Share(steps)}", "--eval-every", $"{Share(steps / 3)}", .. further, "--seed", $"{seed}",
                .. threads is { } count ? ["--threads", $"{count}"] : Array.Empty<string>(), .. clear ? ["--force"] : Array.Empty<string>()];
            Say(name, $"lemma {string.Join(' ', line)}");
            code = CommandLine.Run(line);
            if (code != CommandLine.Done)
                return code;
            stages.Add((name, watch.Elapsed, Judge(Path.Combine(folder, name))));
        }
        Show();
        return CommandLine.Done;
    }

    private long Share(long whole) => Math.Max(2, (long)(whole * share));

    private static void Say(string stage, string what)
    {
        Console.WriteLine();
        Console.WriteLine($"== {stage}: {what}");
        Console.WriteLine();
    }

    private StageScore Judge(string stage)
    {
        string model = ModelPath.Find(stage);
        using Workers workers = new(threads);
        using Decoder decoder = ModelFolder.ReadDecoder(model);
        return StageScore.Of(decoder, Tokenizer.Load(model), seed, StoryOptions.Short, workers);
    }

    private void Show()
    {
        string[] titles = ["stage", "time", "stories, bits a byte", "answers right", "right one likelier", "lists backwards", "folder"];
        string[][] rows = [.. stages.Select(stage => new[]
        {
            stage.Stage, Amount.Time(stage.Time), stage.Score.BitsPerByte.ToString("0.0000", CultureInfo.InvariantCulture), Amount.Percent(stage.Score.Right),
            Amount.Percent(stage.Score.Preferred), Amount.Percent(stage.Score.Lists), Path.Combine(folder, stage.Stage),
        })];
        Console.WriteLine();
        Console.WriteLine($"What each stage changed, on {StoryLoss.Count} held-out stories, questions, pairs and lists:");
        if (Terminal.IsInteractive)
        {
            Table table = new() { Border = TableBorder.Rounded };
            table.AddColumns([.. titles.Select(Markup.Escape)]);
            foreach (string[] row in rows)
                table.AddRow([.. row.Select(Markup.Escape)]);
            AnsiConsole.Write(table);
        }
        else
        {
            int[] widths = [.. titles.Select((title, column) => Math.Max(title.Length, rows.Max(row => row[column].Length)))];
            foreach (string[] row in (string[][])[titles, .. rows])
                Console.WriteLine($"  {string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column])))}".TrimEnd());
        }
        Console.WriteLine();
        Console.WriteLine($"Talk to it: lemma chat {Path.Combine(folder, "grpo")}");
    }
}
