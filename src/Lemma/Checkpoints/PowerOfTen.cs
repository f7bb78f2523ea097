namespace Lemma.Checkpoints;

/// <summary>10ˣ with the same bits everywhere; systems' own powers differ in the last one.</summary>
/// <remarks>
/// x·ln 10 = k·ln 2 + r with |r| ≤ ½ ln 2, in two doubles each; eʳ is a polynomial. Only sums, products, fused products and a scaling by 2ᵏ, which IEEE 754 settles.
/// </remarks>
internal static class PowerOfTen
{
    private const double Log2Of10 = 3.3219280948873623, Log10High = 2.302585092994046, Log10Low = -2.1707562233822494e-16;

    // The last 20 bits of the first are 0, so that k times it is exact (fdlibm's e_exp.c).
    private const double Log2High = 0.69314718036912382, Log2Low = 1.9082149292705877e-10;
    private const int Degree = 14;

    private static readonly double[] Coefficients = MakeCoefficients();

    /// <summary>10ˣ, within two units of the last place; 0 or infinity where a double has no such number.</summary>
    public static double Of(double x)
    {
        if (!(Math.Abs(x) < 400))
            return double.IsNaN(x) ? x : x < 0 ? 0 : double.PositiveInfinity;
        double k = Math.Round(x * Log2Of10), high = x * Log10High, low = Math.FusedMultiplyAdd(x, Log10High, -high) + x * Log10Low;
        double r = high - k * Log2High + (low - k * Log2Low), sum = Coefficients[Degree];
        for (int i = Degree - 1; i >= 0; i--)
            sum = Math.FusedMultiplyAdd(sum, r, Coefficients[i]);
        return Math.ScaleB(sum, (int)k);
    }

    // 1/i!
    private static double[] MakeCoefficients()
    {
        double[] coefficients = new double[Degree + 1];
        double factorial = 1;
        for (int i = 0; i <= Degree; i++)
            coefficients[i] = 1 / (factorial *= Math.Max(1, i));
        return coefficients;
    }
}
