namespace Lemma.Formulas;

/// <summary>KL(p‖q) = Σ p·log(p/q) = H(p, q) − H(p) ≥ 0, mean over rows; p and q given by logits.</summary>
/// <remarks>logits of p and q: [rows, n]; in nats or bits. Kullback and Leibler 1951, eq. 2.4.</remarks>
public static class Divergence
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "kl_divergence",
        Group = "Information",
        Text = "KL(p‖q) = Σ p·log(p/q) = H(p, q) − H(p) ≥ 0",
        Shapes = "p_logits, q_logits: [rows, n]; KL: [], mean over rows",
        Symbols = "unit: nats or bits",
        Source = "Kullback and Leibler 1951, On information and sufficiency, eq. 2.4",
        Gradient = "dz_p += p∘(ln(p/q) − KL)/rows, dz_q += (q − p)/rows",
        Notes = "Not symmetric; 0 only for equal distributions.",
        Example = "p_logits[3,8] q_logits[3,8]",
        Evaluate = Evaluate,
    };

    /// <summary>KL, mean over rows.</summary>
    public static double Forward(ReadOnlySpan<float> pLogits, ReadOnlySpan<float> qLogits, int width, double unit)
    {
        (float[] logP, float[] logQ) = Logs(pLogits, qLogits, width);
        double sum = 0;
        for (int i = 0; i < logP.Length; i++)
            sum += Term(logP[i], logQ[i]);
        return unit * sum * width / logP.Length;
    }

    /// <summary>dz_p += p∘(ln p/q − KL)/rows;  dz_q += (q − p)/rows.</summary>
    public static void Backward(ReadOnlySpan<float> pLogits, ReadOnlySpan<float> qLogits, int width, double unit, double dy, Span<float> dp,
        Span<float> dq)
    {
        (float[] logP, float[] logQ) = Logs(pLogits, qLogits, width);
        double scale = dy * unit * width / logP.Length;
        for (int row = 0; row < logP.Length; row += width)
        {
            double mean = 0;
            for (int i = row; i < row + width; i++)
                mean += Term(logP[i], logQ[i]);
            for (int i = row; i < row + width; i++)
            {
                double p = Math.Exp(logP[i]);
                dp[i] += (float)(scale * (Term(logP[i], logQ[i]) - p * mean));
                dq[i] += (float)(scale * (Math.Exp(logQ[i]) - p));
            }
        }
    }

    // p·ln(p/q), 0 at p = 0.
    private static double Term(float logP, float logQ) => Math.Exp(logP) is var p && p == 0 ? 0 : p * ((double)logP - logQ);

    private static (float[] LogP, float[] LogQ) Logs(ReadOnlySpan<float> pLogits, ReadOnlySpan<float> qLogits, int width)
    {
        Check.SameLength("kl_divergence", pLogits.Length, qLogits.Length);
        float[] logP = new float[pLogits.Length], logQ = new float[logP.Length];
        LogSoftmax.Forward(pLogits, width, 1, logP);
        LogSoftmax.Forward(qLogits, width, 1, logQ);
        return (logP, logQ);
    }

    private static Values Evaluate(FormulaCall call)
    {
        double unit = InformationUnit.Read(call, "kl_divergence", "nats");
        Values p = call["p_logits"], q = call.Same("q_logits", p), y = Values.Scalar(Forward(p, q, p.Columns, unit));
        if (call.Backward(y, out float[]? dy))
            Backward(p, q, p.Columns, unit, dy[0], call.Gradient("p_logits"), call.Gradient("q_logits"));
        return y;
    }
}
