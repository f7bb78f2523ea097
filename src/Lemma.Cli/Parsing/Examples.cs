using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Lemma.Cli.Parsing;

/// <summary>Help that ends with examples.</summary>
internal static class Examples
{
    public static void Add(Command command, params (string What, string Line)[] examples)
    {
        HelpOption? help = command.Options.OfType<HelpOption>().FirstOrDefault();
        if (help == null)
            command.Add(help = new HelpOption());
        help.Action = new HelpWithExamples((HelpAction)help.Action!, examples);
    }

    /// <summary>Help for a command that was given no subcommand: shown, but wrong usage.</summary>
    public static int ShowHelp(ParseResult parsed, Command command)
    {
        HelpOption help = command.Options.OfType<HelpOption>().First();
        ((SynchronousCommandLineAction)help.Action!).Invoke(parsed);
        return CommandLine.WrongUsage;
    }

    private sealed class HelpWithExamples(HelpAction inner, (string What, string Line)[] examples) : SynchronousCommandLineAction
    {
        // Help needs no arguments: what else the line lacks does not matter.
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int code = inner.Invoke(parseResult);
            TextWriter output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach ((string what, string line) in examples)
            {
                output.WriteLine($"  # {what}");
                output.WriteLine($"  {line}");
            }
            output.WriteLine();
            return code;
        }
    }
}
