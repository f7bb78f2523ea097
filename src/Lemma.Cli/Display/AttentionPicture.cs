using System.Globalization;
using System.Text;
using Lemma.Language.Views;

namespace Lemma.Cli.Display;

/// <summary>Maps of heads by block characters: a line a token that looks, a column a token that is looked at.</summary>
/// <remarks>The shade is the root of a weight's share of the map's largest, so that small weights are seen.</remarks>
internal static class AttentionPicture
{
    private const string Shades = " ░▒▓█";
    private const int WidestLabel = 12, HighestLabel = 8, Gap = 2;

    public static void Write(TextWriter output, AttentionView view, IReadOnlyList<int> heads, int width)
    {
        int cell = heads.Count == 1 ? 2 : 1, labels = Math.Min(WidestLabel, view.Tokens.Max(TokenLabel.Width));
        string[] titles = [.. heads.Select(head => $"head {head}: {Largest(view[head]).ToString("0.00", CultureInfo.InvariantCulture)}")];
        int map = Math.Max(view.Tokens.Count * cell, titles.Max(title => title.Length)), needed = labels + 1 + map;
        if (needed > width && cell == 2)
        {
            (cell, map) = (1, Math.Max(view.Tokens.Count, titles[0].Length));
            needed = labels + 1 + map;
        }
        if (needed > width)
        {
            throw new ArgumentException($"attention: a picture of {view.Tokens.Count} tokens takes {needed} columns, but there are {width}; "
                + "--png FILE and --json show any number");
        }
        output.WriteLine($"layer {view.Layer}: each line looks at the columns; behind each head its largest weight, which is {Shades[^1]}");
        int together = 1 + (width - needed) / (map + Gap);
        for (int first = 0; first < heads.Count; first += together)
        {
            int[] some = [.. Enumerable.Range(first, Math.Min(together, heads.Count - first))];
            output.WriteLine();
            WriteLine(output, "", labels, some.Select(i => titles[i].PadRight(map)));
            string[] columns = ColumnLabels(view.Tokens, cell);
            foreach (string line in columns)
                WriteLine(output, "", labels, some.Select(_ => line.PadRight(map)));
            for (int token = 0; token < view.Tokens.Count; token++)
                WriteLine(output, view.Tokens[token], labels, some.Select(i => Row(view[heads[i]], token, view.Tokens.Count, cell).PadRight(map)));
        }
    }

    /// <summary>The share of a map's largest weight as it is drawn.</summary>
    public static double Brightness(float weight, float largest) => largest > 0 ? Math.Sqrt(weight / largest) : 0;

    /// <summary>The largest weight of a map.</summary>
    public static float Largest(ReadOnlySpan<float> map)
    {
        float largest = 0;
        foreach (float weight in map)
            largest = Math.Max(largest, weight);
        return largest;
    }

    private static void WriteLine(TextWriter output, string label, int labels, IEnumerable<string> maps) =>
        output.WriteLine($"{TokenLabel.Of(label, labels)} {string.Join(new string(' ', Gap), maps)}".TrimEnd());

    // Tokens from top to bottom, ending where the map begins.
    private static string[] ColumnLabels(IReadOnlyList<string> tokens, int cell)
    {
        Rune[][] labels = [.. tokens.Select(token => token.EnumerateRunes().Take(HighestLabel).ToArray())];
        int height = labels.Max(label => label.Length);
        return [.. Enumerable.Range(0, height).Select(line => string.Concat(labels.Select(label =>
        {
            int at = line - height + label.Length;
            return at < 0 ? new string(' ', cell) : TokenLabel.Character(label[at], cell);
        })))];
    }

    private static string Row(ReadOnlySpan<float> map, int token, int tokens, int cell)
    {
        float largest = Largest(map);
        StringBuilder row = new();
        foreach (float weight in map.Slice(token * tokens, tokens))
            row.Append(Shades[Math.Min(Shades.Length - 1, (int)(Brightness(weight, largest) * Shades.Length))], cell);
        return row.ToString();
    }
}
