namespace Lemma.Formulas;

/// <summary>A joint distribution p(x, y) [rows x, columns y] with its marginals and entropies in nats.</summary>
internal sealed class JointTable
{
    private readonly int columns;

    public JointTable(string formula, ReadOnlySpan<float> joint, int columns)
    {
        Check.Rows(formula, joint.Length, columns);
        Check.Distributions(formula, "joint", joint, joint.Length);
        this.columns = columns;
        (X, Y) = (new double[joint.Length / columns], new double[columns]);
        for (int i = 0; i < joint.Length; i++)
        {
            X[i / columns] += joint[i];
            Y[i % columns] += joint[i];
            Joint += InformationUnit.Term(joint[i]);
        }
    }

    /// <summary>p(x).</summary>
    public double[] X { get; }

    /// <summary>p(y).</summary>
    public double[] Y { get; }

    /// <summary>H(X, Y).</summary>
    public double Joint { get; }

    /// <summary>H(X).</summary>
    public double EntropyX => X.Sum(InformationUnit.Term);

    /// <summary>H(Y).</summary>
    public double EntropyY => Y.Sum(InformationUnit.Term);

    /// <summary>ln p(x) of an element.</summary>
    public double LogX(int element) => Math.Log(X[element / columns]);

    /// <summary>ln p(y) of an element.</summary>
    public double LogY(int element) => Math.Log(Y[element % columns]);
}
