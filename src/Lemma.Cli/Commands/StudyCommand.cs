using System.CommandLine;
using System.Globalization;
using System.Text;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Cli.Studies;
using Lemma.Compute;
using Lemma.Formats;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma study</c>: questions answered by computing, in the terminal or as pages with charts.</summary>
internal static class StudyCommand
{
    public static Command Build()
    {
        Argument<string?> name = new("NAME") { Description = "A study; without it they are listed, with --out all are computed", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> folder = Choice.Text("--out", "FOLDER", "Write a page and its charts there instead of to the terminal");
        Option<int?> steps = Choice.Whole("--steps", "Steps of each training; the study's own number without it", most: 1_000_000);
        Option<ulong?> seed = Choice.Seed();
        Option<int?> threads = Choice.Threads();
        Command command = new("study", "Answer a question by computing: small models trained on the spot.") { name, folder, steps, seed, threads };
        Examples.Add(command,
            ("which there are", "lemma study"),
            ("which positions reach beyond the trained length", "lemma study positions"),
            ("with another seed, as a page with charts", "lemma study reasoning --seed 2 --out studies"),
            ("all of them", "lemma study --out studies"));
        command.SetAction(parsed =>
        {
            bool isTold = Choice.IsGiven(parsed, seed);
            return Run(parsed.GetValue(name), parsed.GetValue(folder), parsed.GetValue(steps), isTold ? parsed.GetValue(seed) : null, parsed.GetValue(threads));
        });
        return command;
    }

    private static int Run(string? name, string? folder, int? steps, ulong? seed, int? threads)
    {
        if (name is null && folder is null)
            return steps is null && seed is null && threads is null ? List() : throw new UsageException("a study's name is needed, or --out for all of them");
        Study? one = name is null ? null : Study.Find(name)
            ?? throw new UsageException($"there is no study '{name}'; there are {string.Join(", ", Study.All.Select(study => study.Name))}");
        if (one is { Steps: 0 } && steps is not null)
            throw new UsageException($"{one.Name} trains nothing, so it takes no --steps");
        using Workers workers = new(threads);
        foreach (Study study in one is null ? Study.All : [one])
        {
            int? own = study.Steps > 0 ? steps : null;
            StudyTable[] tables = Compute(study, own ?? study.Steps, seed ?? 1, workers);
            string asked = (own is { } number ? string.Create(CultureInfo.InvariantCulture, $" --steps {number}") : "")
                + (seed is { } drawn ? string.Create(CultureInfo.InvariantCulture, $" --seed {drawn}") : "");
            Show(study, tables, folder, asked.Length == 0 ? null : asked);
        }
        if (one is null)
            Write(folder!, "README.md", StudyPage.Index());
        return CommandLine.Done;
    }

    private static StudyTable[] Compute(Study study, int steps, ulong seed, Workers workers)
    {
        using ProgressLine line = new($"steps of {study.Name}", study.Trainings * steps);
        return study.Compute(new StudyRun(seed, steps, workers, line));
    }

    private static void Show(Study study, StudyTable[] tables, string? folder, string? asked)
    {
        if (folder is null)
        {
            foreach (string line in StudyPage.Lines(study, tables, Terminal.Width, asked))
                Console.WriteLine(line);
            return;
        }
        Directory.CreateDirectory(folder);
        foreach ((string file, string text) in StudyPage.Files(study, tables, asked))
            Write(folder, file, text);
        Console.WriteLine(Path.Combine(folder, $"{study.Name}.md"));
    }

    private static void Write(string folder, string file, string text) =>
        AtomicFile.Write(Path.Combine(folder, file), stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    private static int List()
    {
        int width = Study.All.Max(study => study.Name.Length);
        foreach (Study study in Study.All)
            Console.WriteLine($"{study.Name.PadRight(width)}  {study.Question}");
        return CommandLine.Done;
    }
}
