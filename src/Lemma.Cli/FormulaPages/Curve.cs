using System.Globalization;
using System.Text;
using Lemma.Formulas;

namespace Lemma.Cli.FormulaPages;

/// <summary>The values of a formula of one variable and of its slope, and both drawn in characters or as SVG.</summary>
internal sealed record Curve(double Low, double High, float[] Y, float[]? Slope)
{
    /// <summary>Evaluates the formula at evenly spaced places.</summary>
    public static Curve? Of(Formula formula, int points)
    {
        if (formula.Plot is not { } plot)
            return null;
        float[] x = [.. Enumerable.Range(0, points).Select(i => (float)(plot.Low + (plot.High - plot.Low) * i / (points - 1)))];
        FormulaExample rest = new(plot.Attributes);
        Dictionary<string, Values> inputs = new(rest.Inputs) { [plot.Input] = new Values([points], x) };
        FormulaCall call = new(formula.Name, inputs, rest.Attributes, formula.IsDifferentiable);
        float[] y = formula.Evaluate(call).Data;
        float[]? slope = call.Gradients.TryGetValue(plot.Input, out Values? gradient) ? gradient.Data : null;
        return new Curve(plot.Low, plot.High, y, y.Length == points ? slope : null);
    }

    /// <summary>Lines of dots, the highest value first, with both axes' ends.</summary>
    public string[] Draw(int width, int height)
    {
        (double least, double most) = Range();
        char[][] cells = [.. Enumerable.Range(0, height).Select(_ => new string(' ', width).ToCharArray())];
        int zero = (int)Math.Round((most - 0) / (most - least) * (height - 1));
        if (zero >= 0 && zero < height)
            Array.Fill(cells[zero], '·');
        for (int column = 0; column < width; column++)
        {
            float value = Y[(int)((long)column * (Y.Length - 1) / (width - 1))];
            if (float.IsFinite(value))
                cells[(int)Math.Round((most - value) / (most - least) * (height - 1))][column] = '●';
        }
        return [.. cells.Select((line, row) => $"{(row == 0 ? Show(most) : row == height - 1 ? Show(least) : ""),9} │{new string(line)}"),
            $"{"",9}  {Show(Low)}{Show(High).PadLeft(Math.Max(1, width - Show(Low).Length))}"];
    }

    /// <summary>The curve, and dashed its slope.</summary>
    public string Svg()
    {
        (double least, double most) = Range();
        StringBuilder svg = new("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 480 300\" font-family=\"sans-serif\" font-size=\"12\">\n");
        svg.Append("<rect width=\"480\" height=\"300\" fill=\"#ffffff\"/>\n");
        double Across(double x) => 50 + (x - Low) / (High - Low) * 410;
        double Down(double y) => 20 + (most - y) / (most - least) * 240;
        void Line(double x1, double y1, double x2, double y2) => svg.Append(CultureInfo.InvariantCulture,
            $"<line x1=\"{x1:0.##}\" y1=\"{y1:0.##}\" x2=\"{x2:0.##}\" y2=\"{y2:0.##}\" stroke=\"#bbbbbb\"/>\n");
        void Label(double x, double y, string anchor, string text) => svg.Append(CultureInfo.InvariantCulture,
            $"<text x=\"{x:0.##}\" y=\"{y:0.##}\" text-anchor=\"{anchor}\" fill=\"#333333\">{text}</text>\n");
        Line(50, 260, 460, 260);
        Line(50, 20, 50, 260);
        if (least < 0 && most > 0)
            Line(50, Down(0), 460, Down(0));
        if (Low < 0 && High > 0)
            Line(Across(0), 20, Across(0), 260);
        Label(50, 280, "middle", Show(Low));
        Label(460, 280, "middle", Show(High));
        Label(44, 264, "end", Show(least));
        Label(44, 24, "end", Show(most));
        void Path(float[] values, string style)
        {
            svg.Append("<polyline fill=\"none\" ").Append(style).Append(" points=\"");
            for (int i = 0; i < values.Length; i++)
            {
                if (float.IsFinite(values[i]))
                    svg.Append(CultureInfo.InvariantCulture,
                        $"{Across(Low + (High - Low) * i / (values.Length - 1)):0.#},{Down(values[i]):0.#} ");
            }
            svg.Append("\"/>\n");
        }
        if (Slope is not null)
            Path(Slope, "stroke=\"#e07b39\" stroke-width=\"1.5\" stroke-dasharray=\"5 4\"");
        Path(Y, "stroke=\"#2a62b8\" stroke-width=\"2\"");
        return svg.Append("</svg>\n").ToString();
    }

    private (double Least, double Most) Range()
    {
        IEnumerable<float> finite = Y.Concat(Slope ?? []).Where(float.IsFinite);
        double least = finite.Min(), most = finite.Max();
        return most - least < 1e-9 ? (least - 1, most + 1) : (least, most);
    }

    private static string Show(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
