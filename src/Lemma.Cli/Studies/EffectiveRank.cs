using Lemma.Formulas;

namespace Lemma.Cli.Studies;

/// <summary>exp H(p) of the shares p = σ/Σσ of a matrix's singular values: 1 for rows along one line, the width for rows that fill it evenly.</summary>
/// <remarks>Roy and Vetterli 2007, The effective rank: a measure of effective dimensionality.</remarks>
internal static class EffectiveRank
{
    /// <summary>Of rows of a width.</summary>
    /// <remarks>σ² are the eigenvalues of AᵀA, which is no larger than the width, however many rows there are.</remarks>
    public static double Of(ReadOnlySpan<float> rows, int width)
    {
        double[] product = new double[width * width], squares = new double[width];
        for (int first = 0; first < rows.Length; first += width)
        {
            for (int i = 0; i < width; i++)
            {
                for (int j = 0; j <= i; j++)
                    product[i * width + j] += (double)rows[first + i] * rows[first + j];
            }
        }
        for (int i = 0; i < width; i++)
        {
            for (int j = 0; j < i; j++)
                product[j * width + i] = product[i * width + j];
        }
        EigenValues.Forward(product, width, squares, new double[width * width]);
        double[] sigma = [.. squares.Select(square => Math.Sqrt(Math.Max(0, square)))];
        double sum = sigma.Sum(), entropy = 0;
        foreach (double one in sigma.Where(one => one > 0))
            entropy -= one / sum * Math.Log(one / sum);
        return Math.Exp(entropy);
    }
}
