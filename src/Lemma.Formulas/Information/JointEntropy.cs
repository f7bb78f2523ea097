namespace Lemma.Formulas;

/// <summary>H(X, Y) = −Σ p(x, y)·log p(x, y).</summary>
/// <remarks>
/// joint: [x, y], all of it sums to 1; result: []; unit: bits or nats. Shannon 1948, A mathematical theory of communication, section 6.
/// </remarks>
public static class JointEntropy
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "joint_entropy",
        Group = "Information",
        Text = "H(X, Y) = −Σ p(x, y)·log p(x, y)",
        Latex = @"H(X, Y) = -\sum_{x,y} p(x, y)\log p(x, y)",
        Shapes = "joint: [x, y], all of it sums to 1; result: []",
        Symbols = "unit: bits or nats",
        Source = "Shannon 1948, A mathematical theory of communication, section 6",
        Gradient = "dp += −(ln p + 1)·dH",
        Notes = "At most H(X) + H(Y).",
        Example = "joint[3,4]P",
        Evaluate = Evaluate,
    };

    /// <summary>H(X, Y).</summary>
    public static double Forward(ReadOnlySpan<float> joint, int columns, double unit)
    {
        Check.Rows("joint_entropy", joint.Length, columns);
        Check.Distributions("joint_entropy", "joint", joint, joint.Length);
        return unit * Terms.Sum<EntropyTerm>(joint);
    }

    /// <summary>dp += −(ln p + 1)·dH.</summary>
    public static void Backward(ReadOnlySpan<float> joint, int columns, double unit, double dy, Span<float> djoint)
    {
        Check.Distributions("joint_entropy", "joint", joint, joint.Length);
        Check.Rows("joint_entropy", joint.Length, columns);
        Check.SameLength("joint_entropy", joint.Length, djoint.Length);
        Terms.AddSlopes<EntropyTerm>(joint, (float)(unit * dy), djoint);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values joint = call.Input("joint", -1, -1);
        double unit = InformationUnit.Read(call, "joint_entropy");
        Values y = Values.Scalar(Forward(joint, joint.Columns, unit));
        if (call.Backward(y, out float[]? dy))
            Backward(joint, joint.Columns, unit, dy[0], call.Gradient("joint"));
        return y;
    }
}
