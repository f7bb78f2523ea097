using System.Buffers;
using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>V ≈ r·cᵀ/Σr from running sums of rows and columns of G² + ε₁; U = G/√V, clipped to a mean square of d²; θ −= η·U.</summary>
/// <remarks>
/// θ, G: [m, n]; r: [m]; c: [n]: m + n numbers instead of m·n. β₂ = 1 − t^−0.8. Shazeer and Stern 2018, Adafactor, algorithm 4.
/// </remarks>
public static class Adafactor
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "adafactor",
        Group = "Optimizers",
        Text = "V = r·cᵀ/mean(r), U = G/√V, θ = θ − η·U/max(1, RMS(U)/d)",
        Latex = """
            V = \frac{r c^\top}{\mathrm{mean}(r)}\qquad U = \frac{G}{\sqrt{V}}
            \theta\leftarrow\theta - \frac{\eta U}{\max\left(1, \mathrm{RMS}(U)/d\right)}
            """,
        Shapes = "parameter (θ): [m, n]; gradients (G): [steps, m·n]",
        Symbols = "r, c: running means of rows and columns of G²; d: clip",
        Source = "Shazeer and Stern 2018, Adafactor, algorithm 4",
        Gradient = "None: it applies gradients, nothing is differentiated through it",
        Notes = "m + n numbers of state instead of m·n.",
        IsDifferentiable = false,
        Example = "parameter[4,6] gradients[10,24] learning_rate=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>One step, t from 1.</summary>
    public static void Step(double rate, int t, double clip, double epsilon, Span<float> parameters, ReadOnlySpan<float> gradients,
        Span<float> rows, Span<float> columns)
    {
        int m = rows.Length, n = columns.Length;
        Check.SameLength("adafactor", m * n, parameters.Length);
        Check.SameLength("adafactor", m * n, gradients.Length);
        double beta = 1 - Math.Pow(t, -0.8), total = 0, squares = 0;
        float[] lent = ArrayPool<float>.Shared.Rent(2 * n);
        double[] sums = ArrayPool<double>.Shared.Rent(n);
        Span<float> line = lent.AsSpan(0, n), ofColumns = lent.AsSpan(n, n);
        Span<double> columnSums = sums.AsSpan(0, n);
        columnSums.Clear();
        for (int i = 0; i < m; i++)
        {
            double sum = 0;
            for (int j = 0; j < n; j++)
            {
                double square = (double)gradients[i * n + j] * gradients[i * n + j] + epsilon;
                sum += square;
                columnSums[j] += square;
            }
            rows[i] = (float)(beta * rows[i] + (1 - beta) * sum / n);
            total += rows[i];
        }
        for (int j = 0; j < n; j++)
        {
            columns[j] = (float)(beta * columns[j] + (1 - beta) * columnSums[j] / m);
            ofColumns[j] = (float)(1 / Math.Sqrt(columns[j]));
        }
        // 1/√V is a factor of the row times one of the column, so U is never whole in memory.
        for (int i = 0; i < m; i++)
        {
            TensorPrimitives.Multiply(gradients.Slice(i * n, n), ofColumns, line);
            squares += total / m / rows[i] * GradientNorm.SumOfSquares(line);
        }
        double scale = rate / Math.Max(1, Math.Sqrt(squares / parameters.Length) / clip);
        for (int i = 0; i < m; i++)
        {
            TensorPrimitives.Multiply(gradients.Slice(i * n, n), ofColumns, line);
            Lanes.AddScaled(line, (float)(-scale * Math.Sqrt(total / m / rows[i])), parameters.Slice(i * n, n));
        }
        ArrayPool<float>.Shared.Return(lent);
        ArrayPool<double>.Shared.Return(sums);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values parameter = call.Input("parameter", -1, -1);
        double rate = GivenGradients.Rate(call, "adafactor"), clip = call.Number("clip", 1), epsilon = call.Number("epsilon", 1e-30);
        float[] rows = new float[parameter.Shape[0]], columns = new float[parameter.Columns];
        return GivenGradients.Run(call, (t, parameters, gradients) => Step(rate, t, clip, epsilon, parameters, gradients, rows, columns));
    }
}
