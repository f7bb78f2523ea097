namespace Lemma.Formulas;

/// <summary>L = E + A/N^α + B/D^β.</summary>
/// <remarks>N, D: any shape, above 0; L: their shape, nats a token. The index takes N and D in 10⁹. Hoffmann et al. 2022, section 3.3.</remarks>
public static class ScalingLaw
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "scaling_law",
        Group = "Scaling",
        Text = "L = E + A/N^α + B/D^β",
        Latex = @"L(N, D) = E + \frac{A}{N^\alpha} + \frac{B}{D^\beta}",
        Shapes = "parameters (N), tokens (D), both in 10⁹, L: one shape",
        Symbols = "L: loss in nats a token; irreducible (E), parameter_scale (A), token_scale (B), parameter_exponent (α), token_exponent (β); "
            + "N and D above 0, in 10⁹: 7 for seven thousand million",
        Source = "Hoffmann et al. 2022, Training compute-optimal large language models, section 3.3; the usual numbers are the refit of Besiroglu et al. 2024, "
            + "Chinchilla scaling: a replication attempt, table 1",
        Gradient = "dN −= α·A/N^(α+1)·dL; dD −= β·B/D^(β+1)·dL",
        Notes = "Hoffmann et al. give E 1.69, A 406.4, B 410.7, α 0.34, β 0.28.",
        Example = "parameters:0.07,1,70 tokens:1.4,20,1400",
        Evaluate = Evaluate,
    };

    /// <summary>The five numbers.</summary>
    /// <param name="Irreducible">E: what no model gets below, in nats a token.</param>
    /// <param name="ParameterScale">A.</param>
    /// <param name="TokenScale">B.</param>
    /// <param name="ParameterExponent">α.</param>
    /// <param name="TokenExponent">β.</param>
    public readonly record struct Numbers(double Irreducible, double ParameterScale, double TokenScale, double ParameterExponent, double TokenExponent);

    /// <summary>L.</summary>
    public static double Loss(in Numbers law, double parameters, double tokens) => law.Irreducible + law.ParameterScale * Math.Pow(parameters,
        -law.ParameterExponent) + law.TokenScale * Math.Pow(tokens, -law.TokenExponent);

    private const double Unit = 1e9;

    internal static Numbers NumbersOf(FormulaCall call)
    {
        Numbers law = new(call.Number("irreducible", 1.8172), call.Number("parameter_scale", 482.01), call.Number("token_scale", 2085.43),
            call.Number("parameter_exponent", 0.3478), call.Number("token_exponent", 0.3658));
        Check.That(law is { ParameterScale: > 0, TokenScale: > 0, ParameterExponent: > 0, TokenExponent: > 0 }, "scaling_law",
            $"scales and exponents must be above 0, but they are {law.ParameterScale} and {law.TokenScale}, {law.ParameterExponent} and {law.TokenExponent}");
        return law;
    }

    internal static void RequirePositive(string formula, string name, Values values)
    {
        for (int i = 0; i < values.Count; i++)
            Check.That(values.Data[i] > 0, formula, $"{name} must be above 0, but element {i} is {values.Data[i]}");
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values parameters = call["parameters"], tokens = call.Same("tokens", parameters), y = parameters.Like();
        Numbers law = NumbersOf(call);
        RequirePositive("scaling_law", "parameters", parameters);
        RequirePositive("scaling_law", "tokens", tokens);
        for (int i = 0; i < y.Count; i++)
            y.Data[i] = (float)Loss(law, Unit * parameters.Data[i], Unit * tokens.Data[i]);
        if (!call.Backward(y, out float[]? dy))
            return y;
        Span<float> dparameters = call.Gradient("parameters"), dtokens = call.Gradient("tokens");
        for (int i = 0; i < dy.Length; i++)
        {
            dparameters[i] -= (float)(dy[i] * law.ParameterExponent * law.ParameterScale * Math.Pow(Unit * parameters.Data[i], -law.ParameterExponent)
                / parameters.Data[i]);
            dtokens[i] -= (float)(dy[i] * law.TokenExponent * law.TokenScale * Math.Pow(Unit * tokens.Data[i], -law.TokenExponent) / tokens.Data[i]);
        }
        return y;
    }
}
