using System.Runtime.Intrinsics;

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
        Latex = @"\mathrm{KL}(p\parallel q) = \sum_i p_i\log\frac{p_i}{q_i} = H(p, q) - H(p)\ge 0",
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
        return unit * Terms.Sum(default(Term), logP, logQ) * width / logP.Length;
    }

    /// <summary>dz_p += p∘(ln p/q − KL)/rows;  dz_q += (q − p)/rows.</summary>
    public static void Backward(ReadOnlySpan<float> pLogits, ReadOnlySpan<float> qLogits, int width, double unit, double dy, Span<float> dp,
        Span<float> dq)
    {
        (float[] logP, float[] logQ) = Logs(pLogits, qLogits, width);
        double scale = dy * unit * width / logP.Length;
        for (int row = 0; row < logP.Length; row += width)
        {
            ReadOnlySpan<float> p = logP.AsSpan(row, width), q = logQ.AsSpan(row, width);
            float mean = (float)Terms.Sum(default(Term), p, q);
            Terms.AddSlopes(new Term(mean), p, q, (float)scale, dp.Slice(row, width), dq.Slice(row, width));
        }
    }

    // By the logs: p·ln(p/q), 0 at p = 0; its slopes by the logits of a row whose sum of terms is the mean.
    private readonly struct Term(float mean) : ITerm
    {
        public Vector512<float> Value(Vector512<float> a, Vector512<float> b) => Product(VectorMath.Exp(a), a - b);

        public (Vector512<float> A, Vector512<float> B) Slopes(Vector512<float> a, Vector512<float> b)
        {
            Vector512<float> p = VectorMath.Exp(a);
            return (Product(p, a - b - Vector512.Create(mean)), VectorMath.Exp(b) - p);
        }

        private static Vector512<float> Product(Vector512<float> p, Vector512<float> factor) =>
            Vector512.ConditionalSelect(Vector512.Equals(p, default), default, p * factor);
    }

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
