using Lemma.Language.Views;

namespace Lemma.Cli.Display;

/// <summary>Maps of heads as a picture: from the left and from the top, with gaps between them.</summary>
internal static class AttentionImage
{
    private const int Gap = 6, Background = 255;

    // From night to light; each colour is brighter than the one before.
    private static readonly (int Red, int Green, int Blue)[] Stops = [(8, 8, 32), (72, 24, 104), (168, 48, 96), (240, 120, 48), (255, 248, 176)];

    /// <summary>How the maps lie.</summary>
    /// <param name="Columns">Maps beside each other.</param>
    /// <param name="Rows">Lines of maps.</param>
    /// <param name="Cell">Pixels to each side of a weight.</param>
    public readonly record struct Layout(int Columns, int Rows, int Cell);

    public static Layout Write(Stream stream, AttentionView view, IReadOnlyList<int> heads)
    {
        int tokens = view.Tokens.Count, columns = (int)Math.Ceiling(Math.Sqrt(heads.Count));
        Layout layout = new(columns, (heads.Count + columns - 1) / columns, Math.Clamp((heads.Count == 1 ? 512 : 192) / tokens, 1, 32));
        int each = tokens * layout.Cell + Gap, width = layout.Columns * each + Gap, height = layout.Rows * each + Gap;
        if ((long)width * height > Array.MaxLength)
            throw new ArgumentException($"attention: a picture of {width} × {height} pixels is too large; choose a --head");
        byte[] pixels = new byte[width * height];
        Array.Fill(pixels, (byte)Background);
        for (int i = 0; i < heads.Count; i++)
        {
            ReadOnlySpan<float> map = view[heads[i]];
            float largest = AttentionPicture.Largest(map);
            int corner = (Gap + i / columns * each) * width + Gap + i % columns * each;
            for (int place = 0; place < map.Length; place++)
            {
                byte color = (byte)(AttentionPicture.Brightness(map[place], largest) * (Background - 1));
                for (int line = 0; line < layout.Cell; line++)
                {
                    pixels.AsSpan(corner + (place / tokens * layout.Cell + line) * width + place % tokens * layout.Cell, layout.Cell).Fill(color);
                }
            }
        }
        PngWriter.Write(stream, width, pixels, Palette());
        return layout;
    }

    private static byte[] Palette()
    {
        byte[] palette = new byte[3 * (Background + 1)];
        for (int i = 0; i < Background; i++)
        {
            double place = (double)i / (Background - 1) * (Stops.Length - 1);
            int stop = Math.Min(Stops.Length - 2, (int)place);
            ((int Red, int Green, int Blue) from, (int Red, int Green, int Blue) to, double share) = (Stops[stop], Stops[stop + 1], place - stop);
            palette[3 * i] = (byte)Math.Round(from.Red + share * (to.Red - from.Red));
            palette[3 * i + 1] = (byte)Math.Round(from.Green + share * (to.Green - from.Green));
            palette[3 * i + 2] = (byte)Math.Round(from.Blue + share * (to.Blue - from.Blue));
        }
        palette.AsSpan(3 * Background).Fill(128);
        return palette;
    }
}
