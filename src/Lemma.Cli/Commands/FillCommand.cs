using System.CommandLine;
using System.Globalization;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Language.Views;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma fill</c>: what a model would put at the masks of a text.</summary>
internal static class FillCommand
{
    private const int TokenWidth = 20;

    public static Command Build()
    {
        Argument<string> model = TextInput.Model();
        Argument<string?> text = TextInput.One();
        Option<int?> top = Choice.Whole("--top", "How many of the likeliest tokens are told", fallback: 5), threads = Choice.Threads();
        Option<bool> json = Choice.Flag("--json", "One JSON object: text, masks with their guesses");
        Command command = new("fill", "Fill in the masks of a text.") { model, text, top, json, threads };
        Examples.Add(command,
            ("the likeliest words", "lemma fill bert-base-uncased \"Paris is the [MASK] of France.\""),
            ("for another program", "lemma fill bert-base-uncased \"A [MASK] [MASK].\" --top 10 --json"));
        command.SetAction(parsed => Run(parsed.GetRequiredValue(model), TextInput.Read(parsed.GetValue(text)), parsed.GetValue(top)!.Value,
            parsed.GetValue(json), parsed.GetValue(threads)));
        return command;
    }

    private static int Run(string path, string text, int top, bool json, int? threads)
    {
        using ModelView model = ModelView.Load(ModelPath.Find(path), threads);
        FilledText filled = model.Fill(text, top);
        if (json)
            WriteJson(filled);
        else
            WriteText(filled);
        return CommandLine.Done;
    }

    private static void WriteText(FilledText filled)
    {
        foreach (FilledMask mask in filled.Masks)
        {
            Console.WriteLine($"token {mask.Position}");
            foreach (TokenGuess guess in mask.Guesses)
                Console.WriteLine($"  {TokenLabel.Of(guess.Text, TokenWidth)}  {guess.Probability.ToString("0.0000", CultureInfo.InvariantCulture)}");
        }
        Console.WriteLine(filled.Text);
    }

    private static void WriteJson(FilledText filled) => JsonLine.Write(json =>
    {
        json.WriteString("text", filled.Text);
        json.WriteStartArray("masks");
        foreach (FilledMask mask in filled.Masks)
        {
            json.WriteStartObject();
            json.WriteNumber("position", mask.Position);
            json.WritePropertyName("guesses");
            TokenLists.Write(json, mask.Guesses);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });
}
