using Lemma.Checkpoints;
using Lemma.Cli;
using Lemma.Cli.Display;
using Lemma.Data;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Training;

namespace Lemma.Tests.Cli;

/// <summary>Runs the tool in this process, and makes a model for it.</summary>
internal static class InProcess
{
    /// <summary>What a line that must go well writes.</summary>
    public static string Good(string line)
    {
        (int code, string output, string error) = Run(line);
        Assert.True(code == 0 && error.Length == 0, $"{line}: {code} {error}");
        return output;
    }

    /// <summary>The error of a line that must end with a code.</summary>
    public static string Bad(int code, string line)
    {
        (int given, _, string error) = Run(line);
        Assert.True(code == given, $"{line}: {given} {error}");
        Assert.Single(error.TrimEnd().Split('\n'), sentence => !sentence.StartsWith("Try '", StringComparison.Ordinal));
        return error;
    }

    /// <summary>A decoder with a tokenizer of the built-in stories, small and untrained.</summary>
    public static string WriteModel(TemporaryFolder folder, string name, int width = 32)
    {
        Tokenizer tokenizer = BpeTrainer.Train(new StorySource(1).Range(0, 100).Select(story => story.Text),
            new BpeTrainerOptions { VocabularySize = 400, SpecialTokens = ["<|endoftext|>"] });
        int end = tokenizer.IdOf("<|endoftext|>")!.Value;
        using Decoder model = new(Presets.Llama(tokenizer.VocabularySize, width, layers: 1, heads: 2, hidden: 64, length: 512) with { BeginId = end, EndId = end });
        model.Initialize((ulong)width);
        ModelFolder.Write(folder[name], model);
        tokenizer.Save(folder[$"{name}/tokenizer.json"]);
        return folder[name];
    }

    /// <summary>What a line gives, its words parted by spaces.</summary>
    /// <param name="line">The line.</param>
    /// <param name="input">What is typed.</param>
    public static (int Code, string Output, string Error) Run(string line, string input = "") =>
        RunWith(input, line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>What arguments give, with something typed.</summary>
    public static (int Code, string Output, string Error) RunWith(string input, params string[] arguments) =>
        Capture(() => CommandLine.Run(arguments), input);

    /// <summary>What a part of the tool gives, and writes to the console, which no other test may use meanwhile.</summary>
    public static (int Code, string Output, string Error) Capture(Func<int> run, string input = "")
    {
        Terminal.IsInteractive = false;
        (TextReader typed, TextWriter output, TextWriter error) = (Console.In, Console.Out, Console.Error);
        using StringReader newInput = new(input);
        using StringWriter newOutput = new(), newError = new();
        Console.SetIn(newInput);
        Console.SetOut(newOutput);
        Console.SetError(newError);
        try
        {
            return (run(), newOutput.ToString(), newError.ToString());
        }
        finally
        {
            Console.SetIn(typed);
            Console.SetOut(output);
            Console.SetError(error);
        }
    }
}
