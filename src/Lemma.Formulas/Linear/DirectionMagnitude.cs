namespace Lemma.Formulas;

/// <summary>y_i = m_i·V_i/‖V_i‖, V = W + s·B·A: a matrix whose rows turn by a low-rank change and have lengths of their own. DoRA.</summary>
/// <remarks>
/// W, y: [out, in]; m: [out]; A: [r, in]; B: [out, r]. The lengths ‖V_i‖ are constants of the gradient. Liu et al. 2024, DoRA, eq. 5 and section 4.3.
/// </remarks>
public static class DirectionMagnitude
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "dora",
        Group = "Linear",
        Text = "y_i = m_i·V_i/‖V_i‖, V = W + s·B·A",
        Latex = @"y_i = m_i\frac{V_i}{\lVert V_i\rVert}\qquad V = W + s B A",
        Shapes = "weight (W), y: [out, in]; magnitude (m): [out]; a (A): [r, in]; b (B): [out, r]",
        Symbols = "s (scale): α/r; rows of W are outputs, as checkpoints store them",
        Source = "Liu et al. 2024, DoRA: weight-decomposed low-rank adaptation, eq. 5; section 4.3 for the gradient",
        Gradient = "dm_i += dy_i·V_i/‖V_i‖, dV_i = m_i/‖V_i‖·dy_i, dW += dV, dA += s·Bᵀ·dV, dB += s·dV·Aᵀ",
        Notes = "‖V_i‖ is a constant of the gradient, as in PEFT: nearly the same is learned, with less memory.",
        Example = "weight[5,7] magnitude[5]+ a[2,7] b[5,2] scale=0.5",
        Evaluate = Evaluate,
    };

    /// <summary>A row of W turned in its place, V_i = W_i + s·B_i·A. Returns ‖V_i‖.</summary>
    public static double Turn(Span<float> row, ReadOnlySpan<float> b, ReadOnlySpan<float> a, double scale)
    {
        Check.SameLength("dora", b.Length * row.Length, a.Length);
        for (int k = 0; k < b.Length; k++)
            Lanes.AddScaled(a.Slice(k * row.Length, row.Length), (float)(scale * b[k]), row);
        return Math.Sqrt(GradientNorm.SumOfSquares(row));
    }

    /// <summary>y_i = m_i·V_i/‖V_i‖.</summary>
    public static void Forward(ReadOnlySpan<float> weight, ReadOnlySpan<float> magnitude, ReadOnlySpan<float> a, ReadOnlySpan<float> b, int inputs,
        double scale, Span<float> y)
    {
        int rank = RankOf(weight, magnitude, a, b, inputs);
        Check.SameLength("dora", weight.Length, y.Length);
        weight.CopyTo(y);
        for (int i = 0; i < magnitude.Length; i++)
        {
            Span<float> row = y.Slice(i * inputs, inputs);
            double gain = magnitude[i] / Turn(row, b.Slice(i * rank, rank), a, scale);
            foreach (ref float value in row)
                value = (float)(gain * value);
        }
    }

    /// <summary>dm_i += dy_i·V_i/‖V_i‖, dV_i = m_i/‖V_i‖·dy_i, dW += dV, dA += s·Bᵀ·dV, dB += s·dV·Aᵀ.</summary>
    public static void Backward(ReadOnlySpan<float> weight, ReadOnlySpan<float> magnitude, ReadOnlySpan<float> a, ReadOnlySpan<float> b, int inputs,
        double scale, ReadOnlySpan<float> dy, Span<float> dweight, Span<float> dmagnitude, Span<float> da, Span<float> db)
    {
        int rank = RankOf(weight, magnitude, a, b, inputs);
        Check.SameLength("dora", weight.Length, dy.Length);
        Check.SameLength("dora", weight.Length, dweight.Length);
        Check.SameLength("dora", magnitude.Length, dmagnitude.Length);
        Check.SameLength("dora", a.Length, da.Length);
        Check.SameLength("dora", b.Length, db.Length);
        float[] turned = weight.ToArray(), slopes = new float[weight.Length];
        for (int i = 0; i < magnitude.Length; i++)
        {
            Span<float> row = turned.AsSpan(i * inputs, inputs), slope = slopes.AsSpan(i * inputs, inputs);
            double norm = Turn(row, b.Slice(i * rank, rank), a, scale), along = 0;
            for (int j = 0; j < inputs; j++)
            {
                along += (double)dy[i * inputs + j] * row[j];
                slope[j] = (float)(magnitude[i] / norm * dy[i * inputs + j]);
            }
            dmagnitude[i] += (float)(along / norm);
        }
        Lanes.AddScaled(slopes, 1, dweight);
        float[] ofA = SpanProduct.New(rank, inputs, magnitude.Length, b, true, slopes, false);
        float[] ofB = SpanProduct.New(magnitude.Length, rank, inputs, slopes, false, a, true);
        Lanes.AddScaled(ofA, (float)scale, da);
        Lanes.AddScaled(ofB, (float)scale, db);
    }

    private static int RankOf(ReadOnlySpan<float> weight, ReadOnlySpan<float> magnitude, ReadOnlySpan<float> a, ReadOnlySpan<float> b, int inputs)
    {
        Check.Rows("dora", weight.Length, inputs);
        Check.Rows("dora", a.Length, inputs);
        int rank = a.Length / inputs;
        Check.SameLength("dora", weight.Length / inputs, magnitude.Length);
        Check.SameLength("dora", magnitude.Length * rank, b.Length);
        return rank;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values weight = call.Input("weight", -1, -1), a = call.Input("a", -1, weight.Columns), y = weight.Like();
        Values magnitude = call.Input("magnitude", weight.Shape[0]), b = call.Input("b", weight.Shape[0], a.Shape[0]);
        double scale = call.Number("scale", 1);
        Forward(weight, magnitude, a, b, weight.Columns, scale, y);
        if (call.Backward(y, out float[]? dy))
        {
            Backward(weight, magnitude, a, b, weight.Columns, scale, dy, call.Gradient("weight"), call.Gradient("magnitude"), call.Gradient("a"),
                call.Gradient("b"));
        }
        return y;
    }
}
