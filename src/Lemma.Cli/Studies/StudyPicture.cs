using System.Globalization;
using System.Security;
using System.Text;

namespace Lemma.Cli.Studies;

/// <summary>The chart of a study's table in SVG: lines over the first column, standard errors as bars.</summary>
internal static class StudyPicture
{
    private const double Width = 640, Height = 330, Left = 60, Right = 420, Top = 34, Bottom = 276;
    private const int Ticks = 6;

    // Okabe and Ito's colours, which people who see few colours tell apart; on white yellow is left out.
    private static readonly string[] Colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

    public static string Svg(StudyTable table)
    {
        (StudyChart chart, IReadOnlyList<double[]> rows) = (table.Chart, table.Rows);
        StringBuilder svg = new(string.Create(CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" width=\"{Width}\" height=\"{Height}\" "));
        svg.Append("font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
        double[] across = TicksOf(rows[0][0], rows[^1][0]);
        double[] drawn = [.. rows.SelectMany(row => chart.Drawn.Select(column => row[column])).Where(double.IsFinite)];
        double[] down = chart.IsShare ? TicksOf(0, 1) : TicksOf(drawn.DefaultIfEmpty(0).Min(), drawn.DefaultIfEmpty(1).Max());
        double X(double x) => Left + (x - across[0]) / (across[^1] - across[0]) * (Right - Left);
        double Y(double y) => Bottom - Math.Clamp((y - down[0]) / (down[^1] - down[0]), 0, 1) * (Bottom - Top);
        Text(svg, Left, Top - 14, "start", chart.Unit);
        foreach (double tick in down)
        {
            Line(svg, Left, Y(tick), Right, Y(tick), "#e4e4e4");
            Text(svg, Left - 8, Y(tick) + 4, "end", Show(tick));
        }
        foreach (double tick in across)
        {
            Line(svg, X(tick), Bottom, X(tick), Bottom + 4, "#888888");
            Text(svg, X(tick), Bottom + 18, "middle", Show(tick));
        }
        Text(svg, (Left + Right) / 2, Bottom + 38, "middle", chart.Columns[0]);
        for (int i = 0; i < chart.Drawn.Length; i++)
        {
            (int column, string color) = (chart.Drawn[i], Colors[i % Colors.Length]);
            svg.Append($"<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" points=\"");
            svg.AppendJoin(' ', rows.Where(row => double.IsFinite(row[column])).Select(row =>
                string.Create(CultureInfo.InvariantCulture, $"{X(row[0]):0.#},{Y(row[column]):0.#}"))).Append("\"/>\n");
            foreach (double[] row in chart.HasErrors(column) ? rows : [])
                Line(svg, X(row[0]), Y(row[column] - row[column + 1]), X(row[0]), Y(row[column] + row[column + 1]), color);
            Line(svg, Right + 16, Top + 22 * i, Right + 34, Top + 22 * i, color, 3);
            Text(svg, Right + 42, Top + 4 + 22 * i, "start", chart.Columns[column]);
        }
        return svg.Append("</svg>\n").ToString();
    }

    // Round numbers, the first not above the least and the last not below the most.
    private static double[] TicksOf(double least, double most)
    {
        if (most - least < 1e-9)
            (least, most) = (least - 0.5, most + 0.5);
        double rough = (most - least) / (Ticks - 1), power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * (rough / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
        double first = Math.Floor(least / step + 1e-9), last = Math.Ceiling(most / step - 1e-9);
        return [.. Enumerable.Range(0, (int)(last - first) + 1).Select(i => Math.Round((first + i) * step, 9))];
    }

    private static string Show(double tick) => tick.ToString("#,0.###", CultureInfo.InvariantCulture);

    private static void Line(StringBuilder svg, double x1, double y1, double x2, double y2, string color, int width = 1) =>
        svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\" ")
            .Append(CultureInfo.InvariantCulture, $"stroke=\"{color}\" stroke-width=\"{width}\"/>\n");

    private static void Text(StringBuilder svg, double x, double y, string anchor, string text) => svg.Append(CultureInfo.InvariantCulture,
        $"<text x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\">{SecurityElement.Escape(text)}</text>\n");
}
