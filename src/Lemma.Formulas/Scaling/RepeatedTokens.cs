namespace Lemma.Formulas;

/// <summary>D′ = U + U·R*·(1 − e^(−R/R*)), R = D/U − 1: what tokens are worth that are read more than once.</summary>
/// <remarks>D: any shape; D′: its shape; D itself up to one pass over U. Muennighoff et al. 2023, eq. 5.</remarks>
public static class RepeatedTokens
{
    /// <summary>R* of tokens, and of parameters beyond those that suit the unique tokens (Muennighoff et al. 2023, appendix A).</summary>
    public const double TokenDecay = 15.387756, ParameterDecay = 5.309743;

    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "repeated_tokens",
        Group = "Scaling",
        Text = "D′ = U + U·R*·(1 − e^(−R/R*)), R = D/U − 1; D up to U",
        Latex = """
            D_{\mathrm{eff}} = \begin{cases} D & D\le U \cr U + U R_0\left(1 - e^{-R/R_0}\right) & D\gt U \end{cases}
            R = \frac{D}{U} - 1
            """,
        Shapes = "tokens (D), D′: any shape",
        Symbols = "D: tokens read, above 0; unique (U): different ones, above 0, in the unit of D; "
            + "decay (R*): passes after which a repetition is worth 1/e of a new token",
        Source = "Muennighoff et al. 2023, Scaling data-constrained language models, eq. 5 and appendix A",
        Gradient = "dD += e^(−R/R*)·dD′; dD′ up to U",
        Notes = "Four passes are worth nearly as much as new tokens; more than U·(1 + R*) no number of passes is worth.",
        Example = "tokens:0.5,1,4,40 unique=1",
        Plot = new FormulaPlot("tokens", 0.1, 100, "unique=1"),
        Evaluate = Evaluate,
    };

    /// <summary>D′.</summary>
    public static double Worth(double tokens, double unique, double decay = TokenDecay) =>
        tokens <= unique ? tokens : unique * (1 - decay * double.ExpM1((1 - tokens / unique) / decay));

    private static Values Evaluate(FormulaCall call)
    {
        Values tokens = call["tokens"], y = tokens.Like();
        double unique = call.Number("unique"), decay = call.Number("decay", TokenDecay);
        Check.That(unique > 0 && decay > 0, "repeated_tokens", $"unique tokens and their decay must be above 0, but they are {unique} and {decay}");
        ScalingLaw.RequirePositive("repeated_tokens", "tokens", tokens);
        for (int i = 0; i < y.Count; i++)
            y.Data[i] = (float)Worth(tokens.Data[i], unique, decay);
        if (!call.Backward(y, out float[]? dy))
            return y;
        Span<float> dtokens = call.Gradient("tokens");
        for (int i = 0; i < dy.Length; i++)
            dtokens[i] += (float)(dy[i] * (tokens.Data[i] <= unique ? 1 : Math.Exp((1 - tokens.Data[i] / unique) / decay)));
        return y;
    }
}
