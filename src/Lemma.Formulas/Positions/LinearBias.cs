namespace Lemma.Formulas;

/// <summary>b(h, i, j) = −s_h·(i − j), s_h = 2^(−8h/H) for h = 1 … H.</summary>
/// <remarks>
/// b: [heads, queries, keys], added to the scores of causal attention; nothing is learned. Press, Smith and Lewis 2021, ALiBi, section 3.
/// </remarks>
public static class LinearBias
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "alibi",
        Group = "Positions",
        Text = "b(h, i, j) = −2^(−8·h/H)·(i − j)",
        Latex = @"b(h, i, j) = -2^{-8h/H}\cdot(i - j)",
        Shapes = "b: [heads, queries, keys], added to scores",
        Symbols = "h from 1 to H (heads)",
        Source = "Press, Smith and Lewis 2021, Train short, test long, section 3",
        Gradient = "None: nothing is learned; attention passes gradients beside it",
        IsDifferentiable = false,
        Kind = FormulaKind.Elementwise,
        Example = "heads=4 queries=7",
        Evaluate = Evaluate,
    };

    /// <summary>The slope of a head counted from 0; for H that is no power of two the paper's interleaved slopes.</summary>
    public static double Slope(int head, int heads)
    {
        int power = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)heads);
        if (power == heads)
            return Math.Pow(2, -8.0 * (head + 1) / heads);
        power /= 2;
        return head < power ? Math.Pow(2, -8.0 * (head + 1) / power) : Math.Pow(2, -8.0 * (2 * (head - power) + 1) / (2 * power));
    }

    /// <summary>s·(j − i) for distances j − i from a first one on.</summary>
    internal static void Line(double slope, int first, Span<float> line)
    {
        for (int n = 0; n < line.Length; n++)
            line[n] = (float)(slope * (first + n));
    }

    /// <summary>b; the last query stands at the last key.</summary>
    public static void Forward(int heads, int queries, int keys, Span<float> bias)
    {
        Check.SameLength("alibi", heads * queries * keys, bias.Length);
        for (int h = 0; h < heads; h++)
        {
            double slope = Slope(h, heads);
            for (int i = 0; i < queries; i++)
                Line(slope, queries - keys - i, bias.Slice((h * queries + i) * keys, keys));
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        int heads = call.Whole("heads"), queries = call.Whole("queries"), keys = call.Whole("keys", queries);
        Check.That(heads > 0, "alibi", $"there must be at least one head, but there are {heads}");
        Values y = call.New(heads, queries, keys);
        Forward(heads, queries, keys, y);
        return y;
    }
}
