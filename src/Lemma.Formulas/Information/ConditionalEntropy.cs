namespace Lemma.Formulas;

/// <summary>H(Y | X) = H(X, Y) − H(X).</summary>
/// <remarks>
/// joint: [x, y], all of it sums to 1; result: []; unit: bits or nats. Shannon 1948, A mathematical theory of communication, section 6.
/// </remarks>
public static class ConditionalEntropy
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "conditional_entropy",
        Group = "Information",
        Text = "H(Y | X) = H(X, Y) − H(X)",
        Latex = @"H(Y\mid X) = H(X, Y) - H(X)",
        Shapes = "joint: [x, y], all of it sums to 1; result: []",
        Symbols = "unit: bits or nats",
        Source = "Shannon 1948, A mathematical theory of communication, section 6",
        Gradient = "dp += (ln p(x) − ln p(x, y))·dH",
        Notes = "What y still tells once x is known; at most H(Y).",
        Example = "joint[3,4]P",
        Evaluate = Evaluate,
    };

    /// <summary>H(Y | X).</summary>
    public static double Forward(ReadOnlySpan<float> joint, int columns, double unit)
    {
        JointTable table = new("conditional_entropy", joint, columns);
        return unit * (table.Joint - table.EntropyX);
    }

    /// <summary>dp += (ln p(x) − ln p(x, y))·dH.</summary>
    public static void Backward(ReadOnlySpan<float> joint, int columns, double unit, double dy, Span<float> djoint)
    {
        JointTable table = new("conditional_entropy", joint, columns);
        for (int i = 0; i < joint.Length; i++)
        {
            if (joint[i] > 0)
                djoint[i] += (float)(unit * dy * (table.LogX(i) - Math.Log(joint[i])));
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values joint = call.Input("joint", -1, -1);
        double unit = InformationUnit.Read(call, "conditional_entropy");
        Values y = Values.Scalar(Forward(joint, joint.Columns, unit));
        if (call.Backward(y, out float[]? dy))
            Backward(joint, joint.Columns, unit, dy[0], call.Gradient("joint"));
        return y;
    }
}
