using System.CommandLine;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Formats;
using Lemma.Language.Views;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma attention</c>: where the heads of a layer look.</summary>
internal static class AttentionCommand
{
    private const int WidthOfFiles = 160;

    public static Command Build()
    {
        Argument<string> model = TextInput.Model();
        Argument<string?> text = TextInput.One();
        Option<int?> layer = Choice.Whole("--layer", "The layer", least: 0, fallback: 0), head = Choice.Whole("--head", "The head; all without it", least: 0),
            threads = Choice.Threads();
        Option<string?> png = Choice.Text("--png", "FILE", "Write a picture into this file, instead of drawing here");
        Option<bool> json = Choice.Flag("--json", "One JSON object: tokens, heads with their weights, a row a token that looks");
        Command command = new("attention", "Show where the heads of a layer look.") { model, text, layer, head, png, json, threads };
        command.Validators.Add(result =>
        {
            if (result.GetValue(json) && result.GetValue(png) is not null)
                result.AddError("--json and --png exclude each other");
        });
        Examples.Add(command,
            ("all heads of the first layer", "lemma attention runs/quickstart \"It was a windy morning\""),
            ("one head", "lemma attention runs/quickstart \"It was a windy morning\" --layer 2 --head 1"),
            ("a picture", "lemma attention runs/quickstart \"It was a windy morning\" --layer 2 --png layer2.png"));
        command.SetAction(parsed => Run(parsed.GetRequiredValue(model), TextInput.Read(parsed.GetValue(text)), parsed.GetValue(layer)!.Value,
            parsed.GetValue(head), parsed.GetValue(png), parsed.GetValue(json), parsed.GetValue(threads)));
        return command;
    }

    private static int Run(string path, string text, int layer, int? head, string? png, bool json, int? threads)
    {
        using ModelView model = ModelView.Load(ModelPath.Find(path), threads);
        using Interruption interruption = new();
        AttentionView view = model.Attention(text, layer, interruption.Token);
        int[] heads = head is { } one ? [one] : [.. Enumerable.Range(0, view.Heads)];
        if (json)
            WriteJson(view, heads);
        else if (png is not null)
            WritePng(view, heads, png);
        else
            AttentionPicture.Write(Console.Out, view, heads, Terminal.IsInteractive ? Terminal.Width : WidthOfFiles);
        return CommandLine.Done;
    }

    private static void WritePng(AttentionView view, int[] heads, string file)
    {
        AttentionImage.Layout layout = default;
        AtomicFile.Write(file, stream => layout = AttentionImage.Write(stream, view, heads));
        string maps = heads.Length == 1 ? $"head {heads[0]}" : $"{heads.Length} heads, {layout.Columns} beside each other";
        Console.WriteLine($"{file}: layer {view.Layer}, {maps}, {view.Tokens.Count} tokens of {layout.Cell} pixels; rows look at columns");
    }

    private static void WriteJson(AttentionView view, int[] heads) => JsonLine.Write(json =>
    {
        json.WriteNumber("layer", view.Layer);
        TokenLists.Write(json, view.Ids, view.Tokens);
        json.WriteStartArray("heads");
        foreach (int head in heads)
        {
            json.WriteStartObject();
            json.WriteNumber("head", head);
            json.WriteStartArray("weights");
            for (int row = 0; row < view.Ids.Count; row++)
            {
                json.WriteStartArray();
                foreach (float weight in view[head].Slice(row * view.Ids.Count, view.Ids.Count))
                    json.WriteNumberValue(weight);
                json.WriteEndArray();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });
}
