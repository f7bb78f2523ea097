using System.Buffers;
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
        Symbols = "η: learning_rate; μ: momentum; nesterov 1: U·Vᵀ of G + μ·M; λ: weight_decay; U·Vᵀ by five steps of Newton and "
            + "Schulz, singular values between 0.7 and 1.2",
        Source = "Jordan et al. 2024, Muon: an optimizer for hidden layers",
        Gradient = "None: it applies gradients, nothing is differentiated through it",
        Notes = "For matrices; embeddings, norms and heads take adamw.",
        IsDifferentiable = false,
        Example = "parameter[4,6] gradients[3,24] learning_rate=0.02",
        Evaluate = Evaluate,
    };

    private const float A = 3.4445f, B = -4.7750f, C = 2.0315f;

    /// <summary>The numbers of a step.</summary>
    /// <param name="LearningRate">η.</param>
    /// <param name="Momentum">μ in [0, 1).</param>
    /// <param name="IsNesterov">Whether U·Vᵀ is that of G + μ·M, one step ahead.</param>
    /// <param name="WeightDecay">λ: θ −= η·λ·θ first.</param>
    public readonly record struct Numbers(double LearningRate, double Momentum = 0.95, bool IsNesterov = false, double WeightDecay = 0);

    /// <summary>O ≈ U·Vᵀ of M [m, n].</summary>
    public static float[] Orthogonalize(ReadOnlySpan<float> matrix, int m, int n, int steps = 5)
    {
        float[] o = matrix.ToArray();
        Orthogonalize(o, m, n, steps);
        return o;
    }

    /// <summary>M [m, n] becomes O ≈ U·Vᵀ.</summary>
    public static void Orthogonalize(Span<float> matrix, int m, int n, int steps = 5)
    {
        Check.SameLength("muon", m * n, matrix.Length);
        float norm = (float)Math.Sqrt(GradientNorm.SumOfSquares(matrix)) + 1e-7f;
        // The smaller side's Gram matrix is the cheaper one.
        bool tall = m > n;
        int small = Math.Min(m, n), large = Math.Max(m, n);
        float[] lent = ArrayPool<float>.Shared.Rent(2 * (matrix.Length + small * small));
        Span<float> x = lent.AsSpan(0, matrix.Length), next = lent.AsSpan(matrix.Length, matrix.Length);
        Span<float> gram = lent.AsSpan(2 * matrix.Length, small * small), square = lent.AsSpan(2 * matrix.Length + gram.Length, gram.Length);
        if (tall)
        {
            x.Clear();
            MatrixTranspose.Forward(matrix, m, n, x);
        }
        else
        {
            matrix.CopyTo(x);
        }
        TensorPrimitives.Divide(x, norm, x);
        for (int step = 0; step < steps; step++)
        {
            SpanProduct.Gram(small, large, x, gram);
            SpanProduct.Gram(small, small, gram, square);
            TensorPrimitives.Multiply(gram, B, gram);
            Lanes.AddScaled(square, C, gram);
            SpanProduct.Multiply(small, large, small, gram, false, x, false, next);
            Lanes.AddScaled(x, A, next);
            Span<float> old = x;
            x = next;
            next = old;
        }
        if (tall)
        {
            matrix.Clear();
            MatrixTranspose.Forward(x, n, m, matrix);
        }
        else
        {
            x.CopyTo(matrix);
        }
        ArrayPool<float>.Shared.Return(lent);
    }

    /// <summary>The operations of the products that make M [m, n] orthogonal: 2 for each multiplication and addition.</summary>
    internal static double Operations(int m, int n, int steps = 5)
    {
        int small = Math.Min(m, n), large = Math.Max(m, n);
        return steps * (SpanProduct.GramOperations(small, large) + SpanProduct.GramOperations(small, small) + 2.0 * small * small * large);
    }

    /// <summary>One step.</summary>
    public static void Step(in Numbers numbers, int rows, Span<float> parameters, ReadOnlySpan<float> gradients, Span<float> m)
    {
        Check.Rows("muon", parameters.Length, rows);
        Check.SameLength("muon", parameters.Length, gradients.Length);
        Check.SameLength("muon", parameters.Length, m.Length);
        int columns = parameters.Length / rows;
        TensorPrimitives.Multiply(m, (float)numbers.Momentum, m);
        Lanes.AddScaled(gradients, 1, m);
        float[] lent = ArrayPool<float>.Shared.Rent(m.Length);
        Span<float> change = lent.AsSpan(0, m.Length);
        m.CopyTo(change);
        if (numbers.IsNesterov)
        {
            TensorPrimitives.Multiply(change, (float)numbers.Momentum, change);
            Lanes.AddScaled(gradients, 1, change);
        }
        Orthogonalize(change, rows, columns);
        if (numbers.WeightDecay != 0)
            TensorPrimitives.Multiply(parameters, (float)(1 - numbers.LearningRate * numbers.WeightDecay), parameters);
        Lanes.AddScaled(change, (float)(-numbers.LearningRate * Math.Sqrt(Math.Max(1, (double)rows / columns))), parameters);
        ArrayPool<float>.Shared.Return(lent);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Numbers numbers = new(GivenGradients.Rate(call, "muon"), call.Number("momentum", 0.95), call.Number("nesterov", 0) != 0, call.Number("weight_decay", 0));
        Values parameter = call.Input("parameter", -1, -1);
        float[] m = new float[parameter.Count];
        return GivenGradients.Run(call, (_, parameters, gradients) => Step(numbers, parameter.Shape[0], parameters, gradients, m));
    }
}
