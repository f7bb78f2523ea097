using System.CommandLine;
using Lemma.Cli.Commands;
using Lemma.Cli.Compression;
using Lemma.Cli.NGrams;
using Lemma.Cli.Parsing;
using Lemma.Cli.Tuning;

namespace Lemma.Cli;

/// <summary>From arguments to an exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.</summary>
internal static class CommandLine
{
    public const int Done = 0, Failed = 1, WrongUsage = 2, Interrupted = 130;

    public static int Run(string[] arguments)
    {
        ParseResult parsed = Build().Parse(arguments);
        string name = NameOf(parsed);
        if (parsed.Errors.Count > 0)
        {
            Console.Error.WriteLine($"{name}: {Sentence(parsed.Errors[0].Message)}");
            Console.Error.WriteLine($"Try '{name} --help'.");
            return WrongUsage;
        }
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine($"{name}: interrupted");
            return Interrupted;
        }
        catch (Exception e) when (Environment.GetEnvironmentVariable("LEMMA_DEBUG") != "1")
        {
            string more = IsExpected(e) ? "" : $" ({e.GetType().Name}; LEMMA_DEBUG=1 shows where)", said = Sentence(e.Message);
            // An operation of the command's own name says it once.
            string operation = $"{name[(name.LastIndexOf(' ') + 1)..]}: ";
            Console.Error.WriteLine($"{name}: {(said.StartsWith(operation, StringComparison.Ordinal) ? said[operation.Length..] : said)}{more}");
            return e is UsageException ? WrongUsage : Failed;
        }
    }

    internal static RootCommand Build()
    {
        RootCommand root = new("Train and run language models in pure managed .NET.")
        {
            QuickstartCommand.Build(),
            TrainCommand.Build(),
            GenerateCommand.Build(),
            ChatCommand.Build(),
            ServeCommand.Build(),
            SftCommand.Build(),
            DpoCommand.Build(),
            KtoCommand.Build(),
            RewardCommand.Build(),
            GrpoCommand.Build(),
            PpoCommand.Build(),
            DistillCommand.Build(),
            MlmCommand.Build(),
            PairsCommand.Build(),
            SeqToSeqCommand.Build(),
            RunsCommand.Build(),
            PlanCommand.Build(),
            DoctorCommand.Build(),
            EvalCommand.Build(),
            NGramCommand.Build(),
            CompressCommand.BuildCompress(),
            CompressCommand.BuildDecompress(),
            SummarizeCommand.Build(),
            EmbedCommand.Build(),
            FillCommand.Build(),
            LensCommand.Build(),
            AttentionCommand.Build(),
            InspectCommand.Build(),
            ConvertCommand.Build(),
            ImportanceCommand.Build(),
            TokenizerCommand.Build(),
            TokenizeCommand.Build(),
            DetokenizeCommand.Build(),
            FormulasCommand.Build(),
            StudyCommand.Build(),
            BenchCommand.Build(),
        };
        Examples.Add(root,
            ("train a small model and talk to it, in three minutes", "lemma quickstart"),
            ("train on a text of your own", "lemma train --data notes.txt --out runs/notes"),
            ("let it write", "lemma generate runs/notes --prompt \"Once upon a time\""));
        root.SetAction(parsed => Examples.ShowHelp(parsed, root));
        return root;
    }

    // "lemma bench train" for a parse that ended at that command.
    private static string NameOf(ParseResult parsed)
    {
        List<string> names = [];
        for (SymbolNode? node = new(parsed.CommandResult.Command); node != null; node = node.Parent)
            names.Insert(0, node.Command is RootCommand ? "lemma" : node.Command.Name);
        return string.Join(' ', names);
    }

    private static bool IsExpected(Exception e) => e is UsageException or IOException or InvalidDataException or UnauthorizedAccessException
        or ArgumentException or NotSupportedException or Lemma.Language.LongText.SummaryException or Lemma.Text.Templates.TemplateException
        or Lemma.Training.TrainingFailedException;

    private static string Sentence(string message)
    {
        string line = message.ReplaceLineEndings(" ").Trim();
        return line.EndsWith('.') && !line.EndsWith("...", StringComparison.Ordinal) ? line[..^1] : line;
    }

    private sealed record SymbolNode(Command Command)
    {
        public SymbolNode? Parent => Command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? new(parent) : null;
    }
}
