using System.CommandLine;
using System.Globalization;
using Lemma.Cli.Parsing;
using Lemma.Text;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma detokenize</c>: ids to text.</summary>
internal static class DetokenizeCommand
{
    public static Command Build()
    {
        Argument<string> model = new("MODEL") { Description = "A model's folder, or a tokenizer's file" };
        Argument<string[]> ids = new("IDS") { Description = "Ids; standard input without them", Arity = ArgumentArity.ZeroOrMore };
        Option<bool> special = Choice.Flag("--special", "Show special tokens");
        Option<string?> words = TokenizeCommand.Words();
        Command command = new("detokenize", "Show the text of ids.") { model, ids, special, words };
        Examples.Add(command, ("a text", "lemma detokenize tokenizer.json 7454 2402 257 640"));
        command.SetAction(parsed => Run(TokenizeCommand.Load(parsed.GetRequiredValue(model), parsed.GetValue(words)),
            parsed.GetValue(ids) ?? [], parsed.GetValue(special)));
        return command;
    }

    private static int Run(Tokenizer tokenizer, string[] words, bool special)
    {
        string all = words.Length > 0 ? string.Join(' ', words) : StandardInput.ReadToEnd();
        int[] ids = [.. all.Split([' ', ',', '[', ']', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(Read)];
        Console.WriteLine(tokenizer.Decode(ids, skipSpecialTokens: !special));
        return CommandLine.Done;
    }

    private static int Read(string word) => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id
        : throw new UsageException($"an id must be a whole number of at least 0, but is '{word}'");
}
