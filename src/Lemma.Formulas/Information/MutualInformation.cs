namespace Lemma.Formulas;

/// <summary>I(X; Y) = H(X) + H(Y) − H(X, Y) ≥ 0.</summary>
/// <remarks>
/// joint: [x, y], all of it sums to 1; result: []; unit: bits or nats. Shannon 1948, A mathematical theory of communication, section 12.
/// </remarks>
public static class MutualInformation
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "mutual_information",
        Group = "Information",
        Text = "I(X; Y) = H(X) + H(Y) − H(X, Y) ≥ 0",
        Latex = @"I(X; Y) = H(X) + H(Y) - H(X, Y)\ge 0",
        Shapes = "joint: [x, y], all of it sums to 1; result: []",
        Symbols = "unit: bits or nats",
        Source = "Shannon 1948, A mathematical theory of communication, section 12",
        Gradient = "dp += (ln p(x, y) − ln p(x) − ln p(y) − 1)·dI",
        Notes = "0 exactly when x and y are independent.",
        Example = "joint[3,4]P",
        Evaluate = Evaluate,
    };

    /// <summary>I(X; Y).</summary>
    public static double Forward(ReadOnlySpan<float> joint, int columns, double unit)
    {
        JointTable table = new("mutual_information", joint, columns);
        return unit * (table.EntropyX + table.EntropyY - table.Joint);
    }

    /// <summary>dp += (ln p(x, y) − ln p(x) − ln p(y) − 1)·dI.</summary>
    public static void Backward(ReadOnlySpan<float> joint, int columns, double unit, double dy, Span<float> djoint)
    {
        JointTable table = new("mutual_information", joint, columns);
        for (int i = 0; i < joint.Length; i++)
        {
            if (joint[i] > 0)
                djoint[i] += (float)(unit * dy * (Math.Log(joint[i]) - table.LogX(i) - table.LogY(i) - 1));
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values joint = call.Input("joint", -1, -1);
        double unit = InformationUnit.Read(call, "mutual_information");
        Values y = Values.Scalar(Forward(joint, joint.Columns, unit));
        if (call.Backward(y, out float[]? dy))
            Backward(joint, joint.Columns, unit, dy[0], call.Gradient("joint"));
        return y;
    }
}
