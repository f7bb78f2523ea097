namespace Lemma.Cli.Studies;

/// <summary>A mean and its standard error, √(Σ (x − x̄)²/(n·(n − 1))).</summary>
internal sealed class StudyMean
{
    private int count;
    private double mean, squares;

    /// <summary>x̄; NaN of nothing.</summary>
    public double Value => count > 0 ? mean : double.NaN;

    /// <summary>The standard error; NaN of fewer than two.</summary>
    public double Error => count > 1 ? Math.Sqrt(squares / count / (count - 1)) : double.NaN;

    /// <summary>One more.</summary>
    public void Add(double value)
    {
        double before = value - mean;
        mean += before / ++count;
        squares += before * (value - mean);
    }

    /// <summary>Both, as two columns of a table.</summary>
    public double[] WithError() => [Value, Error];
}
