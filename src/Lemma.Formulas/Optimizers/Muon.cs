using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>M = μM + G, θ −= η·√max(1, m/n)·O, O ≈ U·Vᵀ of the singular value decomposition M = U·Σ·Vᵀ, by Newton and Schulz.</summary>
/// <remarks>θ, G, M: [m, n]. Five steps X = aX + b(XXᵀ)X + c(XXᵀ)²X bring the singular values near 1. Jordan et al. 2024, Muon.</remarks>
public static class Muon
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "muon",
        Group = "Optimizers",
        Text = "M = μ·M + G, θ = θ − η·√(max(1, m/n))·U·Vᵀ, M = U·Σ·Vᵀ",
        Latex = """
            M\leftarrow\mu M + G\qquad M = U\Sigma V^\top
            \theta\leftarrow\theta - \eta\sqrt{\max\left(1, \frac{m}{n}\right)}\cdot U V^\top
            """,
        Shapes = "parameter (θ): [m, n]; gradients (G): [steps, m·n]",
        Symbols = "η: learning_rate; μ: momentum; U·Vᵀ by five steps of Newton and Schulz, singular values between 0.7 and 1.2",
        Source = "Jordan et al. 2024, Muon: an optimizer for hidden layers",
        Gradient = "None: it applies gradients, nothing is differentiated through it",
        Notes = "For matrices; embeddings, norms and heads take adamw.",
        IsDifferentiable = false,
        Example = "parameter[4,6] gradients[3,24] learning_rate=0.02",
        Evaluate = Evaluate,
    };

    private const float A = 3.4445f, B = -4.7750f, C = 2.0315f;

    /// <summary>O ≈ U·Vᵀ of M [m, n].</summary>
    public static float[] Orthogonalize(ReadOnlySpan<float> matrix, int m, int n, int steps = 5)
    {
        Check.SameLength("muon", m * n, matrix.Length);
        float norm = (float)Math.Sqrt(GradientNorm.SumOfSquares(matrix)) + 1e-7f;
        // The smaller side's Gram matrix is the cheaper one.
        bool tall = m > n;
        int small = Math.Min(m, n), large = Math.Max(m, n);
        float[] x = new float[matrix.Length], next = new float[matrix.Length];
        float[] gram = new float[small * small], square = new float[gram.Length];
        if (tall)
            MatrixTranspose.Forward(matrix, m, n, x);
        else
            matrix.CopyTo(x);
        TensorPrimitives.Divide(x, norm, x);
        for (int step = 0; step < steps; step++)
        {
            SpanProduct.Gram(small, large, x, gram);
            SpanProduct.Gram(small, small, gram, square);
            TensorPrimitives.Multiply(gram, B, gram);
            Lanes.AddScaled(square, C, gram);
            SpanProduct.Multiply(small, large, small, gram, false, x, false, next);
            Lanes.AddScaled(x, A, next);
            (x, next) = (next, x);
        }
        if (!tall)
            return x;
        MatrixTranspose.Forward(x, n, m, next);
        return next;
    }

    /// <summary>One step.</summary>
    public static void Step(double rate, double momentum, int rows, Span<float> parameters, ReadOnlySpan<float> gradients, Span<float> m)
    {
        Check.Rows("muon", parameters.Length, rows);
        Check.SameLength("muon", parameters.Length, gradients.Length);
        Check.SameLength("muon", parameters.Length, m.Length);
        int columns = parameters.Length / rows;
        TensorPrimitives.Multiply(m, (float)momentum, m);
        Lanes.AddScaled(gradients, 1, m);
        Lanes.AddScaled(Orthogonalize(m, rows, columns), (float)(-rate * Math.Sqrt(Math.Max(1, (double)rows / columns))), parameters);
    }

    private static Values Evaluate(FormulaCall call)
    {
        double rate = GivenGradients.Rate(call, "muon"), momentum = call.Number("momentum", 0.95);
        Values parameter = call.Input("parameter", -1, -1);
        float[] m = new float[parameter.Count];
        return GivenGradients.Run(call, (_, parameters, gradients) => Step(rate, momentum, parameter.Shape[0], parameters, gradients, m));
    }
}
