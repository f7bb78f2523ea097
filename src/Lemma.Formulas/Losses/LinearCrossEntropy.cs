namespace Lemma.Formulas;

/// <summary>L = mean of −ln softmax(x·W)_t, in chunks of rows: the logits are never whole in memory.</summary>
/// <remarks>x: [rows, d]; W: [d, V]; t: [rows], −100 to leave a row out. Wijmans et al. 2024, Cut your losses, for the idea.</remarks>
public static class LinearCrossEntropy
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "linear_cross_entropy",
        Group = "Losses",
        Text = "L = −(1/n)·Σ ln softmax(x·W)_t",
        Latex = @"L = -\frac{1}{n}\sum_{i=1}^{n}\ln p_i(t_i)\qquad p_i = \mathrm{softmax}(x_i W)",
        Shapes = "x: [n, d]; weight (W): [d, V]; target (t): [n]; L: []",
        Symbols = "L in nats; t = −100 leaves a row out",
        Source = "Wijmans et al. 2024, Cut your losses in large-vocabulary language models",
        Gradient = "dx += dz·Wᵀ, dW += xᵀ·dz, dz = (softmax(x·W) − 1_t)/n·dL",
        Notes = "In chunks of rows: n·V logits are never whole in memory.",
        Example = "x[11,8] weight[8,17] target[11]%17",
        Evaluate = Evaluate,
    };

    private const int Chunk = 64;

    /// <summary>L; 0 when every row is left out.</summary>
    public static double Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<int> targets, int d)
    {
        double sum = 0, counted = 0;
        int classes = Classes(x, weight, targets, d);
        for (int row = 0; row < targets.Length; row += Chunk)
        {
            int rows = Math.Min(Chunk, targets.Length - row);
            float[] logits = SpanProduct.New(rows, classes, d, x.Slice(row * d, rows * d), false, weight, false);
            (double some, double count) = WeightedCrossEntropy.Forward(logits, targets.Slice(row, rows), classes, 0, default,
                CrossEntropy.Ignore);
            (sum, counted) = (sum + some, counted + count);
        }
        return counted == 0 ? 0 : sum / counted;
    }

    /// <summary>dx += dz·Wᵀ;  dW += xᵀ·dz, dz = (softmax(x·W) − 1_t)/rows·dL.</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<int> targets, int d, double dy,
        Span<float> dx, Span<float> dweight)
    {
        int classes = Classes(x, weight, targets, d), counted = 0;
        foreach (int target in targets)
            counted += target == CrossEntropy.Ignore ? 0 : 1;
        for (int row = 0; row < targets.Length && counted > 0; row += Chunk)
        {
            int rows = Math.Min(Chunk, targets.Length - row);
            ReadOnlySpan<float> some = x.Slice(row * d, rows * d);
            float[] logits = SpanProduct.New(rows, classes, d, some, false, weight, false), dz = new float[logits.Length];
            WeightedCrossEntropy.Backward(logits, targets.Slice(row, rows), classes, 0, default, CrossEntropy.Ignore, dy / counted, dz);
            SpanProduct.Multiply(rows, d, classes, dz, false, weight, true, dx.Slice(row * d, rows * d), add: true);
            SpanProduct.Multiply(d, classes, rows, some, true, dz, false, dweight, add: true);
        }
    }

    private static int Classes(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<int> targets, int d)
    {
        Check.Rows("linear_cross_entropy", x.Length, d);
        Check.Rows("linear_cross_entropy", weight.Length, d);
        Check.SameLength("linear_cross_entropy", x.Length / d, targets.Length);
        return weight.Length / d;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], weight = call.Input("weight", x.Columns, -1);
        int[] targets = call.Integers("target");
        Values y = Values.Scalar(Forward(x, weight, targets, x.Columns));
        if (call.Backward(y, out float[]? dy))
            Backward(x, weight, targets, x.Columns, dy[0], call.Gradient("x"), call.Gradient("weight"));
        return y;
    }
}
