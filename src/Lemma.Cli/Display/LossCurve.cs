namespace Lemma.Cli.Display;

/// <summary>A curve in block characters: one column a bucket of values, eight heights a line.</summary>
internal static class LossCurve
{
    private const string Blocks = " ▁▂▃▄▅▆▇█";

    /// <summary>The lines from top to bottom; values that are not finite leave their column empty.</summary>
    /// <param name="values">The values.</param>
    /// <param name="width">The most columns.</param>
    /// <param name="height">Lines.</param>
    /// <param name="scale">The values of the lowest and the highest place, so that several curves have one scale; null for the curve's own.</param>
    public static string[] Draw(IReadOnlyList<double> values, int width, int height, (double Least, double Most)? scale = null)
    {
        double[] columns = Means(values, Math.Min(width, values.Count));
        double[] finite = [.. columns.Where(double.IsFinite)];
        if (finite.Length == 0 || height <= 0)
            return [];
        double least = scale?.Least ?? finite.Min(), range = Math.Max((scale?.Most ?? finite.Max()) - least, 1e-12);
        string[] lines = new string[height];
        for (int line = 0; line < height; line++)
        {
            int below = (height - 1 - line) * 8;
            lines[line] = string.Concat(columns.Select(value => double.IsFinite(value)
                ? Blocks[Math.Clamp(1 + (int)Math.Round((value - least) / range * (8 * height - 1)) - below, 0, 8)] : ' '));
        }
        return lines;
    }

    private static double[] Means(IReadOnlyList<double> values, int columns)
    {
        double[] means = new double[columns];
        for (int column = 0; column < columns; column++)
        {
            int from = (int)((long)column * values.Count / columns), to = (int)((column + 1L) * values.Count / columns);
            double sum = 0;
            for (int i = from; i < to; i++)
                sum += values[i];
            means[column] = sum / (to - from);
        }
        return means;
    }
}
