namespace Lemma.Formulas;

/// <summary>C = max_{p(x)} I(X; Y).</summary>
/// <remarks>
/// channel: [x, y], rows p(y | x); C: []; C in bits a use, found by iteration to within tolerance. Blahut 1972, algorithm 1; Arimoto 1972.
/// </remarks>
public static class BlahutArimoto
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "channel_capacity",
        Group = "Information",
        Text = "C = max_{p(x)} I(X; Y)",
        Latex = @"C = \max_{p(x)} I(X; Y)",
        Shapes = "channel: [x, y], rows p(y | x); C: []",
        Symbols = "C in bits a use, found by iteration to within tolerance",
        Source = "Blahut 1972, algorithm 1; Arimoto 1972",
        Gradient = "None: the maximum is found by iteration",
        Notes = "Agrees with the closed forms of the binary symmetric and erasure channels.",
        IsDifferentiable = false,
        Example = "channel[3,4]p",
        Evaluate = Evaluate,
    };

    /// <summary>
    /// C in bits a use, and the input distribution that reaches it; stops when upper and lower bound are within the tolerance.
    /// </summary>
    public static (double Capacity, double[] Input) Forward(ReadOnlySpan<float> channel, int outputs, double tolerance = 1e-10,
        int steps = 100000)
    {
        Check.Distributions("channel_capacity", "channel", channel, outputs);
        int inputs = channel.Length / outputs;
        Check.That(inputs > 0, "channel_capacity", $"the channel must have at least one input, but it has none");
        double[] p = [.. Enumerable.Repeat(1.0 / inputs, inputs)], gain = new double[inputs], q = new double[outputs];
        double[] channelInDouble = new double[channel.Length], log = new double[outputs], own = new double[inputs];
        for (int i = 0; i < channel.Length; i++)
        {
            channelInDouble[i] = channel[i];
            own[i / outputs] -= InformationUnit.Term(channel[i]);
        }
        double lower = 0;
        for (int step = 0; step < steps; step++)
        {
            Array.Clear(q);
            for (int x = 0; x < inputs; x++)
                Lanes.AddScaled(channelInDouble.AsSpan(x * outputs, outputs), p[x], q.AsSpan());
            // Finite at q = 0, so that an output that an input never gives counts 0.
            for (int y = 0; y < outputs; y++)
                log[y] = Math.Log(Math.Max(q[y], double.Epsilon));
            for (int x = 0; x < inputs; x++)
                gain[x] = own[x] - Lanes.Dot(channelInDouble.AsSpan(x * outputs, outputs), log);
            double total = 0;
            for (int x = 0; x < inputs; x++)
                total += p[x] * Math.Exp(gain[x]);
            (lower, double upper) = (Math.Log(total), gain.Max());
            for (int x = 0; x < inputs; x++)
                p[x] *= Math.Exp(gain[x]) / total;
            if (upper - lower < tolerance)
                break;
        }
        return (lower / Math.Log(2), p);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values channel = call.Input("channel", -1, -1);
        return Values.Scalar(Forward(channel, channel.Columns, call.Number("tolerance", 1e-10)).Capacity);
    }
}
