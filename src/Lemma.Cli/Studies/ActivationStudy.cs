using System.Globalization;
using Lemma.Formulas;

namespace Lemma.Cli.Studies;

/// <summary>How many slopes vanish, and how many units are dead, with the depth of a random network.</summary>
internal sealed class ActivationStudy : Study
{
    private const int Width = 256, Rows = 256, Depth = 24;

    // A slope this small passes a hundredth of a gradient.
    private const float Small = 0.01f;

    private delegate void Forward(ReadOnlySpan<float> x, Span<float> y);

    private delegate void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx);

    private static readonly (string Name, Forward Forward, Backward Backward)[] Activations =
    [
        ("sigmoid", Sigmoid.Forward, Sigmoid.Backward),
        ("tanh", Tanh.Forward, Tanh.Backward),
        ("relu", Relu.Forward, Relu.Backward),
        ("gelu", Gelu.Forward, Gelu.Backward),
    ];

    private static readonly double[] Gains = [1, Math.Sqrt(2), 4];
    private static readonly int[] Shown = [0, 1, 3, 7, 15, 23];

    public override string Name => "activations";

    public override string Question => "How many units saturate or die with depth?";

    public override string Setup =>
        $"A random network of {Depth} layers of width d = {Width}, without biases, norms or residual connections, is given {Rows} rows of "
        + "standard normal numbers. Each layer is y = f(x·W), W normal with the deviation named. Counted are slopes f'(x) below "
        + $"{Small.ToString(CultureInfo.InvariantCulture)}, and dead units: those whose slope is that small for every row, so that no row can "
        + "change their weights.";

    public override string Conclusion =>
        "tanh saturates on both sides when weights are large: with 4/√d two fifths of its slopes are gone in every layer, but on rows that "
        + "differ, so no unit dies. sigmoid loses a quarter at first; its outputs lie around a half, which all rows share, so that what "
        + "saturates deeper down is dead. relu loses half of its slopes whatever the scale, and its units die with depth: rows grow alike "
        + "from layer to layer, so that a unit is on for all of them or for none. gelu bends before it closes: small weights keep all slopes "
        + "alive, while the signal shrinks; large ones make it a relu.";

    public override string Limits =>
        "These are first weights: training moves units in and out of saturation. Norms and residual connections, which every model of today has, keep "
        + "each layer in the range of the first, so the numbers do not say which activation trains better there.";

    public override IReadOnlyList<StudyChart> Charts { get; } = [.. Gains.SelectMany(gain =>
    {
        string scale = gain.ToString("0.##", CultureInfo.InvariantCulture);
        string[] columns = ["layer", .. Activations.Select(activation => activation.Name)];
        string small = Small.ToString(CultureInfo.InvariantCulture), weights = $"weights with deviation {scale}/√d";
        return (StudyChart[])[
            new($"Slopes below {small}, {weights}", "share of slopes", columns, [1, 2, 3, 4]) { IsShare = true },
            new($"Dead units, {weights}", "share of units", columns, [1, 2, 3, 4]) { IsShare = true }];
    })];

    protected override IReadOnlyList<IReadOnlyList<double[]>> Run(StudyRun run)
    {
        List<IReadOnlyList<double[]>> tables = [];
        foreach (double gain in Gains)
        {
            double[][] saturated = [.. Enumerable.Range(1, Depth).Select(layer => new double[] { layer, 0, 0, 0, 0 })];
            double[][] dead = [.. Enumerable.Range(1, Depth).Select(layer => new double[] { layer, 0, 0, 0, 0 })];
            for (int i = 0; i < Activations.Length; i++)
                Measure(run.Seed, i, gain, saturated, dead);
            tables.Add([.. Shown.Select(i => saturated[i])]);
            tables.Add([.. Shown.Select(i => dead[i])]);
        }
        return tables;
    }

    // y of a layer is x of the next; every activation sees the same weights.
    private static void Measure(ulong seed, int which, double gain, double[][] saturated, double[][] dead)
    {
        (_, Forward forward, Backward backward) = Activations[which];
        Philox random = new(seed);
        float[] x = new float[Rows * Width], w = new float[Width * Width], z = new float[Rows * Width], slope = new float[Rows * Width];
        float[] ones = new float[Rows * Width];
        Array.Fill(ones, 1);
        for (int i = 0; i < x.Length; i++)
            x[i] = (float)random.Normal((ulong)i);
        for (int layer = 0; layer < Depth; layer++)
        {
            Philox draw = random.Split((ulong)layer);
            for (int i = 0; i < w.Length; i++)
                w[i] = (float)(draw.Normal((ulong)i) * gain / Math.Sqrt(Width));
            LinearMap.Forward(x, w, default, Width, z);
            Array.Clear(slope);
            backward(z, ones, slope);
            forward(z, x);
            int[] alive = new int[Width];
            for (int i = 0; i < slope.Length; i++)
            {
                if (MathF.Abs(slope[i]) < Small)
                    saturated[layer][1 + which] += 1.0 / slope.Length;
                else
                    alive[i % Width]++;
            }
            dead[layer][1 + which] = alive.Count(count => count == 0) / (double)Width;
        }
    }
}
