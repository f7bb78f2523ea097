using System.Globalization;
using Lemma.Language.Views;
using Spectre.Console;
using DrawnText = Spectre.Console.Text;

namespace Lemma.Cli.Display;

/// <summary>What each layer would predict: a line a token, a column a layer, the likeliest token and its probability.</summary>
internal static class LensTable
{
    private const int TokenWidth = 12, CellWidth = 15;
    private static readonly (double Least, Color Color)[] Colors =
        [(0.75, Color.Green), (0.5, Color.GreenYellow), (0.25, Color.Yellow), (0.1, Color.Orange1), (0, Color.Grey)];

    public static void Write(LensView lens)
    {
        if (Terminal.IsInteractive)
            Draw(AnsiConsole.Console, lens, Terminal.Width);
        else
            WritePlain(Console.Out, lens);
    }

    public static void WritePlain(TextWriter output, LensView lens)
    {
        output.WriteLine(("token".PadRight(TokenWidth) + string.Concat(Enumerable.Range(0, lens.Layers).Select(layer =>
            $"  {$"layer {layer}".PadRight(CellWidth)}"))).TrimEnd());
        for (int token = 0; token < lens.Tokens.Count; token++)
        {
            string line = TokenLabel.Of(lens.Tokens[token], TokenWidth);
            for (int layer = 0; layer < lens.Layers; layer++)
                line += $"  {Cell(lens[layer, token][0])}";
            output.WriteLine(line.TrimEnd());
        }
    }

    /// <summary>The layers of so many that fit: some in between are left out, the last stays.</summary>
    public static int[] LayersThatFit(int layers, int width)
    {
        int most = Math.Clamp((width - TokenWidth - 3) / (CellWidth + 3), 1, layers);
        return [.. Enumerable.Range(1, most).Select(i => (int)((long)layers * i / most) - 1)];
    }

    /// <summary>A table coloured by probability.</summary>
    public static void Draw(IAnsiConsole console, LensView lens, int width)
    {
        int[] layers = LayersThatFit(lens.Layers, width);
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumns(["token", .. layers.Select(layer => $"layer {layer}")]);
        for (int token = 0; token < lens.Tokens.Count; token++)
        {
            table.AddRow([new DrawnText(TokenLabel.Of(lens.Tokens[token], TokenWidth)), .. layers.Select(layer =>
            {
                TokenGuess guess = lens[layer, token][0];
                return new DrawnText(Cell(guess), new Style(Colors.First(color => guess.Probability >= color.Least).Color));
            })]);
        }
        console.Write(table);
        if (layers.Length < lens.Layers)
            console.WriteLine($"{layers.Length} of {lens.Layers} layers fit here; --json has all");
    }

    private static string Cell(TokenGuess guess) =>
        $"{TokenLabel.Of(guess.Text, CellWidth - 5)} {guess.Probability.ToString("0.00", CultureInfo.InvariantCulture)}";
}
