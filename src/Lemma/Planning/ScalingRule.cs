using Lemma.Formulas;

namespace Lemma.Planning;

/// <summary>A model and its tokens, and the loss that a law gives them.</summary>
/// <param name="Parameters">N.</param>
/// <param name="Tokens">D.</param>
/// <param name="Loss">L, nats a token.</param>
public readonly record struct ScalingOptimum(double Parameters, double Tokens, double Loss)
{
    /// <summary>6·N·D, the operations of its training.</summary>
    public double Compute => 6 * Parameters * Tokens;
}

/// <summary>L(N, D) = E + A/N^α + B/D^β, and what follows for a budget. See <see cref="ScalingLaw"/>.</summary>
/// <param name="Irreducible">E, nats a token.</param>
/// <param name="ParameterScale">A.</param>
/// <param name="TokenScale">B.</param>
/// <param name="ParameterExponent">α.</param>
/// <param name="TokenExponent">β.</param>
public sealed record ScalingRule(double Irreducible, double ParameterScale, double TokenScale, double ParameterExponent, double TokenExponent)
{
    private const double OperationsOfTraining = 6, OperationsOfServing = 2;

    /// <summary>Approach 3 of Hoffmann et al. 2022, Training compute-optimal large language models, section D.3, rounded as published.</summary>
    /// <remarks>Its optimum differs from that of the same paper's other two approaches; <see cref="Besiroglu"/> says why.</remarks>
    public static ScalingRule Hoffmann { get; } = new(1.69, 406.4, 410.7, 0.34, 0.28);

    /// <summary>The same data fitted again: Besiroglu et al. 2024, Chinchilla scaling: a replication attempt, table 1.</summary>
    public static ScalingRule Besiroglu { get; } = new(1.8172, 482.01, 2085.43, 0.3478, 0.3658);

    /// <summary>Where N* ∝ C^a: a = β/(α + β).</summary>
    public double ParameterGrowth => TokenExponent / (ParameterExponent + TokenExponent);

    /// <summary>Where D* ∝ C^b: b = α/(α + β). D* ∝ N*^(α/β).</summary>
    public double TokenGrowth => 1 - ParameterGrowth;

    private ScalingLaw.Numbers Numbers => new(Irreducible, ParameterScale, TokenScale, ParameterExponent, TokenExponent);

    /// <summary>Checks the numbers; the error names the rule and the values.</summary>
    public ScalingRule Validate()
    {
        Require.That(Irreducible >= 0 && double.IsFinite(Irreducible) && IsPositive(ParameterScale) && IsPositive(TokenScale) && IsPositive(ParameterExponent)
            && IsPositive(TokenExponent), $"scaling: E must be at least 0, A, B, α and β above 0 and all finite, but they are {Irreducible}, {ParameterScale}, "
            + $"{TokenScale}, {ParameterExponent} and {TokenExponent}");
        return this;
    }

    /// <summary>L of N parameters and D tokens, each read once.</summary>
    public double Loss(double parameters, double tokens)
    {
        RequirePositive("parameters", parameters);
        RequirePositive("tokens", tokens);
        return ScalingLaw.Loss(Numbers, parameters, tokens);
    }

    /// <summary>L of N parameters and D tokens of which U are different ones: repetitions are worth less, and so are parameters beyond those that suit U.</summary>
    /// <remarks>Muennighoff et al. 2023, eq. 5 and 6, with R* of their appendix A.</remarks>
    public double Loss(double parameters, double tokens, double unique)
    {
        RequirePositive("parameters", parameters);
        RequirePositive("tokens", tokens);
        RequirePositive("unique tokens", unique);
        double read = Math.Min(unique, tokens), suiting = ParametersFor(read);
        return ScalingLaw.Loss(Numbers, RepeatedTokens.Worth(parameters, suiting, RepeatedTokens.ParameterDecay), RepeatedTokens.Worth(tokens, unique));
    }

    /// <summary>The model and tokens of least loss for a budget of training, 6·N·D = C: in closed form.</summary>
    public ScalingOptimum Optimum(double compute)
    {
        RequirePositive("compute", compute);
        double parameters = ComputeOptimal.Parameters(Numbers, compute), tokens = compute / (OperationsOfTraining * parameters);
        return new ScalingOptimum(parameters, tokens, Loss(parameters, tokens));
    }

    /// <summary>The model of least loss for a budget that trains it and serves S tokens: 6·N·D + 2·N·S = C.</summary>
    /// <remarks>The more is served, the smaller the model and the longer its training. Sardana et al. 2023, Beyond Chinchilla-optimal, section 2.</remarks>
    /// <param name="compute">C, operations.</param>
    /// <param name="served">S, tokens read or written by users.</param>
    public ScalingOptimum Optimum(double compute, double served)
    {
        Require.That(served >= 0 && double.IsFinite(served), $"scaling: the served tokens must be at least 0 and finite, but they are {served}");
        if (served == 0)
            return Optimum(compute);
        RequirePositive("compute", compute);
        double TokensOf(double parameters) => (compute / parameters - OperationsOfServing * served) / OperationsOfTraining;
        // Beyond that size serving alone takes all.
        double most = compute / (OperationsOfServing * served);
        double size = Math.Exp(LeastOf(n => Loss(Math.Exp(n), Math.Max(TokensOf(Math.Exp(n)), double.Epsilon)), Math.Log(most) - 60, Math.Log(most) - 1e-9));
        return new ScalingOptimum(size, TokensOf(size), Loss(size, TokensOf(size)));
    }

    /// <summary>The model and tokens of least loss for a budget when only U tokens are different ones.</summary>
    public ScalingOptimum OptimumOfUnique(double compute, double unique)
    {
        RequirePositive("compute", compute);
        RequirePositive("unique tokens", unique);
        double size = Math.Exp(LeastOf(n => Loss(Math.Exp(n), compute / (OperationsOfTraining * Math.Exp(n)), unique), 0, Math.Log(compute / OperationsOfTraining)));
        double tokens = compute / (OperationsOfTraining * size);
        return new ScalingOptimum(size, tokens, Loss(size, tokens, unique));
    }

    /// <summary>The least operations, of training and of serving S tokens, that reach a loss.</summary>
    /// <exception cref="ArgumentException">The loss is not above E: no model reaches it.</exception>
    public ScalingOptimum Cheapest(double loss, double served = 0)
    {
        Require.That(loss > Irreducible && double.IsFinite(loss), $"scaling: a loss of {loss} is out of reach, which ends at {Irreducible}");
        Require.That(served >= 0 && double.IsFinite(served), $"scaling: the served tokens must be at least 0 and finite, but they are {served}");
        double least = Math.Log(ParameterScale / (loss - Irreducible)) / ParameterExponent;
        double TokensOf(double n) => Math.Pow(TokenScale / (loss - Irreducible - ParameterScale * Math.Exp(-ParameterExponent * n)), 1 / TokenExponent);
        double size = LeastOf(n => n + Math.Log(OperationsOfTraining * TokensOf(n) + OperationsOfServing * served), least + 1e-9, least + 60);
        return new ScalingOptimum(Math.Exp(size), TokensOf(size), loss);
    }

    // N that suits D tokens: both are optimal for one budget.
    private double ParametersFor(double tokens)
    {
        double unit = ComputeOptimal.Parameters(Numbers, OperationsOfTraining);
        return unit * Math.Pow(tokens * unit, ParameterGrowth / TokenGrowth);
    }

    // A grid first, since repetitions can make a second hollow; then by golden sections around its best.
    private static double LeastOf(Func<double, double> f, double low, double high)
    {
        const int Grid = 400, Turns = 100;
        double step = (high - low) / Grid, ratio = (Math.Sqrt(5) - 1) / 2;
        int best = Enumerable.Range(0, Grid + 1).MinBy(i => f(low + i * step));
        (double left, double right) = (low + Math.Max(0, best - 1) * step, low + Math.Min(Grid, best + 1) * step);
        for (int turn = 0; turn < Turns; turn++)
        {
            double first = right - ratio * (right - left), second = left + ratio * (right - left);
            (left, right) = f(first) <= f(second) ? (left, second) : (first, right);
        }
        return (left + right) / 2;
    }

    private static bool IsPositive(double value) => value > 0 && double.IsFinite(value);

    private static void RequirePositive(string what, double value) =>
        Require.That(IsPositive(value), $"scaling: {what} must be above 0 and finite, but they are {value}");
}
