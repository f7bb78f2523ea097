using System.CommandLine;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Language.Views;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma lens</c>: what each layer of a model would predict.</summary>
internal static class LensCommand
{
    public static Command Build()
    {
        Argument<string> model = TextInput.Model();
        Argument<string?> text = TextInput.One();
        Option<int?> top = Choice.Whole("--top", "How many of the likeliest tokens --json tells", fallback: 5), threads = Choice.Threads();
        Option<bool> json = Choice.Flag("--json", "One JSON object: tokens, layers with the guesses at each token");
        Command command = new("lens", "Show what each layer would predict (the logit lens).") { model, text, top, json, threads };
        Examples.Add(command,
            ("how a prediction forms from layer to layer", "lemma lens runs/quickstart \"It was a windy\""),
            ("for another program", "lemma lens runs/quickstart \"It was a windy\" --top 3 --json"));
        command.SetAction(parsed => Run(parsed.GetRequiredValue(model), TextInput.Read(parsed.GetValue(text)), parsed.GetValue(top)!.Value,
            parsed.GetValue(json), parsed.GetValue(threads)));
        return command;
    }

    private static int Run(string path, string text, int top, bool json, int? threads)
    {
        using ModelView model = ModelView.Load(ModelPath.Find(path), threads);
        using Interruption interruption = new();
        LensView lens = model.Lens(text, json ? top : 1, interruption.Token);
        if (json)
            WriteJson(lens);
        else
            LensTable.Write(lens);
        return CommandLine.Done;
    }

    private static void WriteJson(LensView lens) => JsonLine.Write(json =>
    {
        TokenLists.Write(json, lens.Ids, lens.Tokens);
        json.WriteStartArray("layers");
        for (int layer = 0; layer < lens.Layers; layer++)
        {
            json.WriteStartArray();
            for (int token = 0; token < lens.Ids.Count; token++)
                TokenLists.Write(json, lens[layer, token]);
            json.WriteEndArray();
        }
        json.WriteEndArray();
    });
}
