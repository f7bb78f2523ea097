namespace Lemma.Formulas;

/// <summary>A joint distribution p(x, y) [rows x, columns y] with its marginals and entropies in nats.</summary>
internal sealed class JointTable
{
    private readonly int columns;
    private readonly double[] logX, logY;

    public JointTable(string formula, ReadOnlySpan<float> joint, int columns)
    {
        Check.Rows(formula, joint.Length, columns);
        Check.Distributions(formula, "joint", joint, joint.Length);
        this.columns = columns;
        (X, Y) = (new double[joint.Length / columns], new double[columns]);
        for (int x = 0; x < X.Length; x++)
        {
            ReadOnlySpan<float> row = joint.Slice(x * columns, columns);
            for (int y = 0; y < row.Length; y++)
            {
                X[x] += row[y];
                Y[y] += row[y];
                // In double: the mutual information is the small difference of entropies.
                Joint += InformationUnit.Term(row[y]);
            }
        }
        (logX, logY) = (Array.ConvertAll(X, Math.Log), Array.ConvertAll(Y, Math.Log));
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
    public double LogX(int element) => logX[element / columns];

    /// <summary>ln p(y) of an element.</summary>
    public double LogY(int element) => logY[element % columns];
}
