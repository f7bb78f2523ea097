namespace Lemma.Formulas;

/// <summary>N* = G·(C/6)^(β/(α+β)), G = (αA/(βB))^(1/(α+β)): the parameters that make the loss of a budget least.</summary>
/// <remarks>C: any shape, in operations, C = 6·N·D; D* = C/(6·N*). The index takes C in 10¹⁸ and gives N* in 10⁹. Hoffmann et al. 2022, eq. 4.</remarks>
public static class ComputeOptimal
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "compute_optimal",
        Group = "Scaling",
        Text = "N* = G·(C/6)^(β/(α+β)), G = (αA/(βB))^(1/(α+β)), D* = C/(6·N*)",
        Latex = """
            N_{\mathrm{opt}} = G\left(\frac{C}{6}\right)^{\beta/(\alpha+\beta)}
            G = \left(\frac{\alpha A}{\beta B}\right)^{1/(\alpha+\beta)}
            D_{\mathrm{opt}} = \frac{C}{6 N_{\mathrm{opt}}}
            """,
        Shapes = "compute (C), in 10¹⁸, N*, in 10⁹: any shape",
        Symbols = "C: operations of training, 6·N·D, in 10¹⁸; N* in 10⁹; "
            + "parameter_scale (A), token_scale (B), parameter_exponent (α), token_exponent (β) as in scaling_law",
        Source = "Hoffmann et al. 2022, Training compute-optimal large language models, eq. 4",
        Gradient = "dC += β/(α+β)·N*/C·dN*",
        Notes = "Tokens grow about as fast as parameters: with these numbers D* is near 20·N*. D ∝ N^0.74 is Kaplan's bound against overfitting, not an optimum.",
        Example = "compute:1,100,10000",
        Plot = new FormulaPlot("compute", 1, 1000),
        Evaluate = Evaluate,
    };

    /// <summary>N*.</summary>
    public static double Parameters(in ScalingLaw.Numbers law, double compute)
    {
        double sum = law.ParameterExponent + law.TokenExponent;
        double ratio = law.ParameterExponent * law.ParameterScale / (law.TokenExponent * law.TokenScale);
        return Math.Pow(ratio, 1 / sum) * Math.Pow(compute / 6, law.TokenExponent / sum);
    }

    private const double Compute = 1e18, Size = 1e9;

    private static Values Evaluate(FormulaCall call)
    {
        Values compute = call["compute"], y = compute.Like();
        ScalingLaw.Numbers law = ScalingLaw.NumbersOf(call);
        ScalingLaw.RequirePositive("compute_optimal", "compute", compute);
        for (int i = 0; i < y.Count; i++)
            y.Data[i] = (float)(Parameters(law, Compute * compute.Data[i]) / Size);
        if (!call.Backward(y, out float[]? dy))
            return y;
        Span<float> dcompute = call.Gradient("compute");
        double share = law.TokenExponent / (law.ParameterExponent + law.TokenExponent);
        for (int i = 0; i < dy.Length; i++)
            dcompute[i] += (float)(dy[i] * share * Parameters(law, Compute * compute.Data[i]) / Size / compute.Data[i]);
        return y;
    }
}
