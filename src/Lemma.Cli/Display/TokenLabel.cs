using System.Text;
using Spectre.Console.Rendering;

namespace Lemma.Cli.Display;

/// <summary>Tokens as labels that fit, whatever characters a vocabulary has.</summary>
internal static class TokenLabel
{
    /// <summary>At most so many cells of a token, filled up with spaces; of a text, whose spaces stay spaces.</summary>
    public static string Of(string token, int cells, bool keepsSpaces = false)
    {
        bool isCut = Width(token) > cells;
        StringBuilder label = new();
        int width = 0;
        foreach (Rune rune in token.EnumerateRunes())
        {
            string shown = keepsSpaces && rune.Value == ' ' ? " " : Shown(rune);
            int more = Cells(shown);
            if (width + more > (isCut ? cells - 1 : cells))
                break;
            label.Append(shown);
            width += more;
        }
        return label.Append(isCut ? "…" : "").Append(' ', Math.Max(0, cells - width - (isCut ? 1 : 0))).ToString();
    }

    /// <summary>The cells that a token takes.</summary>
    public static int Width(string token) => token.EnumerateRunes().Sum(rune => Cells(Shown(rune)));

    /// <summary>A character that takes so many cells; a point for one that takes more.</summary>
    public static string Character(Rune rune, int cells)
    {
        string shown = Shown(rune);
        int width = Cells(shown);
        return width > cells ? "·".PadRight(cells) : shown + new string(' ', cells - width);
    }

    // Control characters as their pictures: what a tokenizer holds must not steer a terminal.
    private static string Shown(Rune rune) => rune.Value switch
    {
        < 0x20 => ((char)(0x2400 + rune.Value)).ToString(),
        0x20 => "␣",
        0x7F => "␡",
        _ when Rune.IsControl(rune) || Cells(rune.ToString()) == 0 => "·",
        _ => rune.ToString(),
    };

    private static int Cells(string text) => new Segment(text).CellCount();
}
