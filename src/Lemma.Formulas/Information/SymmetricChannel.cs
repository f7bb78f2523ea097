namespace Lemma.Formulas;

/// <summary>C = 1 − H(p), H(p) = −p·log₂ p − (1 − p)·log₂(1 − p).</summary>
/// <remarks>
/// p, C: any shape; p: probability that a bit is flipped; C in bits a use. Shannon 1948, A mathematical theory of communication, section
/// 15.
/// </remarks>
public static class SymmetricChannel
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "binary_symmetric_capacity",
        Group = "Information",
        Text = "C = 1 − H(p), H(p) = −p·log₂ p − (1 − p)·log₂(1 − p)",
        Shapes = "p, C: any shape",
        Symbols = "p: probability that a bit is flipped; C in bits a use",
        Source = "Shannon 1948, A mathematical theory of communication, section 15",
        Gradient = "dp += log₂(p/(1 − p))·dC",
        Notes = "0 at p = 1/2.",
        Example = "p[5]u",
        Plot = new FormulaPlot("p", 0.001, 0.999),
        Evaluate = Evaluate,
    };

    /// <summary>C in bits a use.</summary>
    public static double Forward(double p)
    {
        Check.That(p is >= 0 and <= 1, "binary_symmetric_capacity", $"p must lie in [0, 1], but it is {(float)p}");
        return 1 - (InformationUnit.Term(p) + InformationUnit.Term(1 - p)) / Math.Log(2);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values p = call["p"], y = p.Like();
        for (int i = 0; i < p.Count; i++)
            y.Data[i] = (float)Forward(p.Data[i]);
        if (call.Backward(y, out float[]? dy))
        {
            Span<float> dp = call.Gradient("p");
            for (int i = 0; i < p.Count; i++)
                dp[i] += (float)(dy[i] * Math.Log2(p.Data[i] / (1.0 - p.Data[i])));
        }
        return y;
    }
}
