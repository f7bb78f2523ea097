using System.CommandLine;
using System.Text;
using Lemma.Data;

namespace Lemma.Cli.Parsing;

/// <summary>Texts that a command reads: arguments, lines of a file, or standard input.</summary>
internal static class TextInput
{
    public static Argument<string> Model() => new("MODEL") { Description = "A model's folder, a run's, a GGUF file, or a checkpoint of llama2.c" };

    public static Argument<string?> One() =>
        new("TEXT") { Description = "The text; standard input without it", Arity = ArgumentArity.ZeroOrOne };

    /// <summary>The argument, or standard input without the end of its last line.</summary>
    public static string Read(string? argument) => argument ?? Console.In.ReadToEnd().TrimEnd('\r', '\n');

    /// <summary>The lines of a file or of standard input, in order; an empty line is a text too.</summary>
    public static string[] Lines(string? file, Encoding? encoding)
    {
        if (file is not null && !File.Exists(file))
            throw new FileNotFoundException($"--file: there is no file '{file}'");
        string text = file is null ? Console.In.ReadToEnd() : TextFiles.ReadText(file, encoding);
        string[] lines = text.Split('\n');
        return [.. (lines[^1].Length == 0 ? lines[..^1] : lines).Select(line => line.EndsWith('\r') ? line[..^1] : line)];
    }
}
