using System.Globalization;
using System.Security;
using System.Text;

namespace Lemma.Cli.Runs;

/// <summary>Curves of runs as a picture in SVG: axes with round numbers, a grid, a legend below.</summary>
internal static class RunPicture
{
    private const double Width = 800, Left = 76, Right = 780, Top = 48, Bottom = 400, AxisTitle = 40, LegendLine = 22;
    private const int MostPoints = 600, Ticks = 6;

    // Okabe and Ito's colours, which people who see few colours tell apart; on white yellow is left out.
    private static readonly string[] Colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
    private static readonly string[] Dashes = ["", " stroke-dasharray=\"7 4\"", " stroke-dasharray=\"2 3\""];

    public static string Svg(IReadOnlyList<RunCurve> curves, string metric)
    {
        string title = metric.Replace('_', ' ');
        double[] across = TicksOf(0, Math.Max(1, curves.Max(curve => curve.LastStep)));
        (double least, double most) = RunCurve.ScaleOf(curves);
        double[] down = TicksOf(least, most);
        double height = Bottom + AxisTitle + 20 + LegendLine * curves.Count;
        StringBuilder svg = new();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" width=\"{Width}\" ");
        svg.Append(CultureInfo.InvariantCulture, $"height=\"{height}\" ").Append("font-family=\"sans-serif\" font-size=\"13\" fill=\"#222222\">\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect width=\"{Width}\" height=\"{height}\" fill=\"#ffffff\"/>\n");
        Text(svg, (Left + Right) / 2, 26, "middle", $"{title} by step", size: 16);
        double X(double step) => Left + (step - across[0]) / (across[^1] - across[0]) * (Right - Left);
        double Y(double value) => Bottom - (value - down[0]) / (down[^1] - down[0]) * (Bottom - Top);
        foreach (double tick in across)
        {
            Line(svg, X(tick), Top, X(tick), Bottom, "#e4e4e4");
            Text(svg, X(tick), Bottom + 18, "middle", Show(tick, across));
        }
        foreach (double tick in down)
        {
            Line(svg, Left, Y(tick), Right, Y(tick), "#e4e4e4");
            Text(svg, Left - 8, Y(tick) + 4, "end", Show(tick, down));
        }
        Line(svg, Left, Bottom, Right, Bottom, "#444444");
        Line(svg, Left, Top, Left, Bottom, "#444444");
        Text(svg, (Left + Right) / 2, Bottom + AxisTitle, "middle", "step");
        svg.Append(CultureInfo.InvariantCulture,
            $"<text transform=\"translate(18 {(Top + Bottom) / 2:0.#}) rotate(-90)\" text-anchor=\"middle\">{Escape(title)}</text>\n");
        for (int i = 0; i < curves.Count; i++)
        {
            (double Step, double Value)[] points = [.. curves[i].Reduced(MostPoints)];
            if (points.Length == 1)
                svg.Append(CultureInfo.InvariantCulture,
                    $"<circle cx=\"{X(points[0].Step):0.##}\" cy=\"{Y(points[0].Value):0.##}\" r=\"3\" fill=\"{Colors[i % Colors.Length]}\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" {Stroke(i)} stroke-linejoin=\"round\" points=\"");
            svg.AppendJoin(' ', points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{X(point.Step):0.##},{Y(point.Value):0.##}"))).Append("\"/>\n");
            double line = Bottom + AxisTitle + LegendLine * (i + 1);
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Left}\" y1=\"{line - 4:0.##}\" x2=\"{Left + 32}\" y2=\"{line - 4:0.##}\" {Stroke(i)}/>\n");
            Text(svg, Left + 42, line, "start", curves[i].Points.Count > 0 ? curves[i].Name : $"{curves[i].Name} (has no {title})");
        }
        return svg.Append("</svg>\n").ToString();
    }

    // Round numbers, the first not above the least and the last not below the most.
    private static double[] TicksOf(double least, double most)
    {
        if (most - least < 1e-12 * Math.Max(1, Math.Abs(most)))
            (least, most) = (least - 0.5, most + 0.5);
        double rough = (most - least) / (Ticks - 1), power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * (rough / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
        double first = Math.Floor(least / step), last = Math.Ceiling(most / step);
        return [.. Enumerable.Range(0, (int)(last - first) + 1).Select(i => (first + i) * step)];
    }

    private static string Show(double tick, double[] ticks)
    {
        double step = ticks[1] - ticks[0];
        if (step < 1e-4)
            return tick == 0 ? "0" : tick.ToString("0.##e+0", CultureInfo.InvariantCulture);
        int decimals = Math.Max(0, (int)Math.Ceiling(-Math.Log10(step) - 1e-9));
        return tick.ToString($"#,0{(decimals > 0 ? "." + new string('0', decimals) : "")}", CultureInfo.InvariantCulture);
    }

    private static string Stroke(int curve) =>
        $"stroke=\"{Colors[curve % Colors.Length]}\" stroke-width=\"2\"{Dashes[curve / Colors.Length % Dashes.Length]}";

    private static void Line(StringBuilder svg, double x1, double y1, double x2, double y2, string color) => svg.Append(CultureInfo.InvariantCulture,
        $"<line x1=\"{x1:0.##}\" y1=\"{y1:0.##}\" x2=\"{x2:0.##}\" y2=\"{y2:0.##}\" stroke=\"{color}\"/>\n");

    private static void Text(StringBuilder svg, double x, double y, string anchor, string text, int? size = null) => svg.Append(CultureInfo.InvariantCulture,
        $"<text x=\"{x:0.##}\" y=\"{y:0.##}\" text-anchor=\"{anchor}\"{(size is { } pixels ? $" font-size=\"{pixels}\"" : "")}>{Escape(text)}</text>\n");

    private static string Escape(string text) => SecurityElement.Escape(text)!;
}
