namespace Lemma.Formulas;

/// <summary>Functions of one number in double that keep their digits at the ends.</summary>
internal static class Stable
{
    /// <summary>σ(x) = 1/(1 + e^−x).</summary>
    public static double Sigmoid(double x) => x >= 0 ? 1 / (1 + Math.Exp(-x)) : Math.Exp(x) / (1 + Math.Exp(x));

    /// <summary>ln(1 + e^x).</summary>
    public static double Softplus(double x) => Math.Max(x, 0) + LogOnePlus(Math.Exp(-Math.Abs(x)));

    /// <summary>ln σ(x) = −ln(1 + e^−x).</summary>
    public static double LogSigmoid(double x) => -Softplus(-x);

    /// <summary>ln(1 + x), exact near zero.</summary>
    public static double LogOnePlus(double x)
    {
        double sum = 1 + x;
        return sum == 1 ? x : Math.Log(sum) * x / (sum - 1);
    }

    /// <summary>ln(1 + Σ e^x).</summary>
    public static double LogOnePlusSum(ReadOnlySpan<double> x)
    {
        double largest = 0, sum = 0;
        foreach (double value in x)
            largest = Math.Max(largest, value);
        foreach (double value in x)
            sum += Math.Exp(value - largest);
        return largest == 0 ? LogOnePlus(sum) : largest + Math.Log(Math.Exp(-largest) + sum);
    }

    /// <summary>ln(1 − e^x) for x below 0.</summary>
    public static double LogOneMinusExp(double x) => x > -0.6931 ? Math.Log(-ExpMinusOne(x)) : LogOnePlus(-Math.Exp(x));

    /// <summary>e^x − 1, exact near zero.</summary>
    public static double ExpMinusOne(double x)
    {
        if (Math.Abs(x) > 0.5)
            return Math.Exp(x) - 1;
        double half = Math.Exp(x / 2);
        return 2 * half * Math.Sinh(x / 2);
    }
}
