namespace Lemma.Planning;

/// <summary>The laws of Kaplan et al. 2020, Scaling laws for neural language models; N leaves out embedding and positions.</summary>
/// <remarks>
/// Their optimum puts most of a budget into parameters: warm-ups that were long for small models, rates that were not tuned and the parameters that N
/// leaves out did that (Porian et al. 2024, Resolving discrepancies in compute-optimal scaling of language models). Plans use <see cref="ScalingRule"/>.
/// </remarks>
public static class KaplanRule
{
    private const double OperationsOfDay = 8.64e19;

    /// <summary>L(N, D) = ((N_c/N)^(α_N/α_D) + D_c/D)^α_D: table 2 there, α_N 0.076, α_D 0.103, N_c 6.4·10¹³, D_c 1.8·10¹³.</summary>
    public static double Loss(double parameters, double tokens)
    {
        RequirePositive("parameters", parameters);
        RequirePositive("tokens", tokens);
        return Math.Pow(Math.Pow(6.4e13 / parameters, 0.076 / 0.103) + 1.8e13 / tokens, 0.103);
    }

    /// <summary>N = 1.3·10⁹·C^0.73, D = 2·10¹⁰·C^0.27, L = (3.1·10⁸/C)^0.050, C in days of 10¹⁵ operations a second.</summary>
    /// <remarks>Table 6 and eq. 1.3 there.</remarks>
    /// <param name="compute">Operations.</param>
    public static ScalingOptimum Optimum(double compute)
    {
        RequirePositive("compute", compute);
        double days = compute / OperationsOfDay;
        return new ScalingOptimum(1.3e9 * Math.Pow(days, 0.73), 2e10 * Math.Pow(days, 0.27), Math.Pow(3.1e8 / days, 0.050));
    }

    /// <summary>D ≥ 5·10³·N^0.74: tokens that keep a model of N parameters from overfitting (eq. 4.4 there).</summary>
    /// <remarks>A bound, often quoted as if it were the tokens to train on; those of least loss grow about as N itself
    /// (<see cref="ScalingRule.Optimum(double)"/>).</remarks>
    public static double TokensAgainstOverfitting(double parameters)
    {
        RequirePositive("parameters", parameters);
        return 5e3 * Math.Pow(parameters, 0.74);
    }

    private static void RequirePositive(string what, double value) =>
        Require.That(value > 0 && double.IsFinite(value), $"scaling: {what} must be above 0 and finite, but they are {value}");
}
