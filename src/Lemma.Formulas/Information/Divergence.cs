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
        (float[] p, float[] logP, float[] logQ) = Logs(pLogits, qLogits, width);
        double sum = 0;
        for (int i = 0; i < p.Length; i++)
            sum += p[i] == 0 ? 0 : p[i] * ((double)logP[i] - logQ[i]);
        return unit * sum * width / p.Length;
    }

    /// <summary>dz_p += p∘(ln p/q − KL)/rows;  dz_q += (q − p)/rows.</summary>
    public static void Backward(ReadOnlySpan<float> pLogits, ReadOnlySpan<float> qLogits, int width, double unit, double dy, Span<float> dp,
        Span<float> dq)
    {
        (float[] p, float[] logP, float[] logQ) = Logs(pLogits, qLogits, width);
        double scale = dy * unit * width / p.Length;
        for (int row = 0; row < p.Length; row += width)
        {
            double mean = 0;
            for (int i = row; i < row + width; i++)
                mean += p[i] == 0 ? 0 : p[i] * ((double)logP[i] - logQ[i]);
            for (int i = row; i < row + width; i++)
            {
                dp[i] += p[i] == 0 ? 0 : (float)(scale * p[i] * ((double)logP[i] - logQ[i] - mean));
                dq[i] += (float)(scale * (Math.Exp(logQ[i]) - p[i]));
            }
        }
    }

    private static (float[] P, float[] LogP, float[] LogQ) Logs(ReadOnlySpan<float> pLogits, ReadOnlySpan<float> qLogits, int width)
    {
        Check.SameLength("kl_divergence", pLogits.Length, qLogits.Length);
        float[] p = new float[pLogits.Length], logP = new float[p.Length], logQ = new float[p.Length];
        Softmax.Forward(pLogits, width, 1, p);
        LogSoftmax.Forward(pLogits, width, 1, logP);
        LogSoftmax.Forward(qLogits, width, 1, logQ);
        return (p, logP, logQ);
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
