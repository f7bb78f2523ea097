using System.Globalization;
using System.Security;
using System.Text;
using Lemma.Cli.Display;

namespace Lemma.Cli.Plans;

/// <summary>A plan as a picture in SVG: memory by part of each row, tokens a second of each row, the best loss over operations.</summary>
internal static class PlanPicture
{
    private const double Width = 800, Left = 190, Right = 770, Bar = 18, Row = 26, Title = 40, CurveHeight = 220;
    private const int Points = 120, Decades = 4;

    // Okabe and Ito's colours, which people who see few colours tell apart.
    private static readonly string[] Colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

    public static string Svg(Plan plan)
    {
        StringBuilder body = new();
        double y = 10;
        if (plan.Training.Count > 0)
            y = Stacked(body, y, "memory of training", ["weights", "gradients", "moments", "activations"], [.. plan.Training.Select(row => (
                $"{row.Step.Shape.Batch} x {row.Step.Shape.Length}", (double[])[row.Memory.Weights + row.Memory.Masters, row.Memory.Gradients,
                    row.Memory.Moments, row.Memory.Activations]))], value => Amount.Bytes(value), plan.Memory);
        if (plan.Serving.Count > 0)
            y = Stacked(body, y, "memory of serving", ["weights", "caches", "pass"], [.. plan.Serving.Select(row => (
                $"{row.Context} x {row.Users} {row.Cache.Name}", (double[])[row.WeightBytes, row.CacheBytes, row.Pass.Bytes]))],
                value => Amount.Bytes(value), plan.Memory);
        if (plan.Training.Any(row => row.TokensPerSecond is not null))
            y = Stacked(body, y, "training tokens a second", ["tokens/s"], [.. plan.Training.Select(row => ($"{row.Step.Shape.Batch} x {row.Step.Shape.Length}",
                (double[])[row.TokensPerSecond ?? 0]))], value => Amount.Count(value), double.PositiveInfinity);
        if (plan.Serving.Any(row => row.TokensPerSecond is not null))
            y = Stacked(body, y, "decoded tokens a second", ["tokens/s"], [.. plan.Serving.Select(row => ($"{row.Context} x {row.Users} {row.Cache.Name}",
                (double[])[row.TokensPerSecond ?? 0]))], value => Amount.Count(value), double.PositiveInfinity);
        if ((plan.Compute ?? 6 * plan.Size * plan.Tokens) is { } compute)
            y = Curve(body, y, plan, compute);
        string size = string.Create(CultureInfo.InvariantCulture, $"viewBox=\"0 0 {Width} {y}\" width=\"{Width}\" height=\"{y}\"");
        return $"<svg xmlns=\"http://www.w3.org/2000/svg\" {size} font-family=\"sans-serif\" font-size=\"13\" fill=\"#222222\">\n"
            + $"<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n";
    }

    private static double Stacked(StringBuilder svg, double y, string title, string[] kinds, (string Name, double[] Values)[] rows, Func<double, string> show,
        double limit)
    {
        Text(svg, Width / 2, y + 16, "middle", title);
        double legend = Left;
        for (int kind = 0; kind < kinds.Length; kind++, legend += 120)
        {
            Box(svg, legend, y + 26, 12, 12, Colors[kind]);
            Text(svg, legend + 18, y + 37, "start", kinds[kind]);
        }
        y += Title + 10;
        double most = Math.Max(rows.Max(row => row.Values.Sum()), 1e-9), unit = (Right - Left - 90) / most;
        foreach ((string name, double[] values) in rows)
        {
            Text(svg, Left - 8, y + 14, "end", name);
            double x = Left;
            for (int kind = 0; kind < values.Length; x += values[kind++] * unit)
                Box(svg, x, y, values[kind] * unit, Bar, Colors[kind]);
            Text(svg, x + 6, y + 14, "start", show(values.Sum()) + (values.Sum() > limit ? ", too much" : ""));
            y += Row;
        }
        if (limit < most)
            svg.Append(CultureInfo.InvariantCulture,
                $"<line x1=\"{Left + limit * unit:0.#}\" y1=\"{y - Row * rows.Length:0.#}\" x2=\"{Left + limit * unit:0.#}\" y2=\"{y:0.#}\" stroke=\"#000000\"/>\n");
        return y + 20;
    }

    // Both axes of operations are logarithmic; the plan's own place is a dot.
    private static double Curve(StringBuilder svg, double y, Plan plan, double compute)
    {
        double middle = Math.Log10(compute), low = Math.Floor(middle) - Decades / 2, high = low + Decades + 1, top = y + Title, bottom = top + CurveHeight;
        (double X, double Loss)[] points = [.. Enumerable.Range(0, Points + 1).Select(i => low + (high - low) * i / Points)
            .Select(x => (x, plan.Rule.Optimum(Math.Pow(10, x)).Loss))];
        double worst = Math.Max(points[0].Loss, plan.Loss ?? 0), best = points[^1].Loss;
        double X(double x) => Left + (x - low) / (high - low) * (Right - Left);
        double Y(double loss) => bottom - (loss - best) / (worst - best) * CurveHeight;
        Text(svg, Width / 2, y + 16, "middle", $"the best loss over operations, by {plan.RuleName}");
        for (double decade = low; decade <= high; decade++)
        {
            Line(svg, X(decade), top, X(decade), bottom);
            Text(svg, X(decade), bottom + 18, "middle", string.Create(CultureInfo.InvariantCulture, $"1e{decade:0}"));
        }
        foreach (double loss in (double[])[worst, (worst + best) / 2, best])
        {
            Line(svg, Left, Y(loss), Right, Y(loss));
            Text(svg, Left - 8, Y(loss) + 4, "end", Amount.Loss(loss));
        }
        svg.Append($"<polyline fill=\"none\" stroke=\"{Colors[0]}\" stroke-width=\"2\" points=\"").AppendJoin(' ', points.Select(point =>
            string.Create(CultureInfo.InvariantCulture, $"{X(point.X):0.#},{Y(point.Loss):0.#}"))).Append("\"/>\n");
        double own = plan.Loss ?? plan.Rule.Optimum(compute).Loss;
        svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{X(middle):0.#}\" cy=\"{Y(own):0.#}\" r=\"5\" fill=\"{Colors[1]}\"/>\n");
        Text(svg, X(middle) + 10, Y(own) - 8, "start", $"{plan.Model?.Name ?? "budget"}: {Amount.Loss(own)}");
        return bottom + 40;
    }

    private static void Box(StringBuilder svg, double x, double y, double width, double height, string color) => svg.Append(CultureInfo.InvariantCulture,
        $"<rect x=\"{x:0.#}\" y=\"{y:0.#}\" width=\"{width:0.#}\" height=\"{height:0.#}\" fill=\"{color}\"/>\n");

    private static void Line(StringBuilder svg, double x1, double y1, double x2, double y2) => svg.Append(CultureInfo.InvariantCulture,
        $"<line x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\" stroke=\"#e4e4e4\"/>\n");

    private static void Text(StringBuilder svg, double x, double y, string anchor, string text) => svg.Append(CultureInfo.InvariantCulture,
        $"<text x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\">{SecurityElement.Escape(text)}</text>\n");
}
