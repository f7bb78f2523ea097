using System.CommandLine;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Decoding;
using Lemma.Language;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma chat</c>: a loop in the terminal over one growing text.</summary>
internal static class ChatCommand
{
    private const string Help = """
        Type a beginning, and the model goes on; an empty line lets it go on from where it is.
        A line that ends with a question mark is asked about the text so far, and answered in one line; without a text the model tells one first.
        /new forgets the text, /text shows it, /help shows this, /exit leaves (as Ctrl-D does).
        """;

    public static Command Build()
    {
        Argument<string> model = new("MODEL") { Description = "A model's folder, a run's, or a checkpoint of llama2.c" };
        Option<int?> threads = Choice.Threads();
        SamplingOptions sampling = new();
        Command command = new("chat", "Talk to a model in the terminal.") { model };
        sampling.AddTo(command);
        command.Add(threads);
        Examples.Add(command,
            ("talk to the model of the quickstart", "lemma chat runs/quickstart"),
            ("more freely, in short pieces", "lemma chat runs/quickstart --temperature 1 --tokens 60"));
        command.SetAction(parsed => Run(parsed.GetRequiredValue(model), sampling.Read(parsed), parsed.GetValue(threads)));
        return command;
    }

    private static int Run(string path, GenerationOptions options, int? threads)
    {
        using LanguageModel model = LanguageModel.Load(ModelPath.Find(path), threads);
        using Generator generator = model.NewGenerator();
        ChatText text = new(model, generator, options);
        if (Terminal.IsInteractive)
            Console.WriteLine(Help);
        while (ReadLine() is { } line && line.Trim() != "/exit")
        {
            switch (line.Trim())
            {
                case "/new":
                    text.Clear();
                    break;
                case "/text":
                    Console.WriteLine(text.Text);
                    break;
                case "/help":
                    Console.WriteLine(Help);
                    break;
                default:
                    // Ctrl-C ends the answer, not the chat; at the prompt it ends the tool.
                    using (Interruption interruption = new())
                        text.Say(line, interruption.Token);
                    break;
            }
        }
        return CommandLine.Done;
    }

    private static string? ReadLine()
    {
        if (Terminal.IsInteractive && !Console.IsInputRedirected)
            Console.Write("> ");
        return Console.ReadLine();
    }
}
