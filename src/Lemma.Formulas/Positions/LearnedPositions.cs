namespace Lemma.Formulas;

/// <summary>y_t = x_t + P[t].</summary>
/// <remarks>
/// x, y: [batch, T, d]; P: [longest, d], learned; T beyond the longest is an error. Gehring et al. 2017, section 3.1; Radford et al. 2018.
/// </remarks>
public static class LearnedPositions
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "learned_positions",
        Group = "Positions",
        Text = "y_t = x_t + P_t",
        Latex = @"y_t = x_t + P_t",
        Shapes = "x, y: [batch, T, d]; weight (P): [longest, d]",
        Symbols = "start: the first position",
        Source = "Gehring et al. 2017, section 3.1; Radford et al. 2018",
        Gradient = "dx += dy, dP_t += Σ dy_t",
        Notes = "Cannot run past the longest sequence.",
        Kind = FormulaKind.Elementwise,
        Example = "x[2,5,8] weight[9,8] start=2",
        Evaluate = Evaluate,
    };

    /// <summary>y_t = x_t + P[start + t]; y may be x.</summary>
    public static void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> table, int length, int width, int start, Span<float> y)
    {
        CheckInput(x.Length, table.Length, length, width, start);
        Check.SameLength("learned_positions", x.Length, y.Length);
        for (int row = 0; row < x.Length / width; row++)
        {
            System.Numerics.Tensors.TensorPrimitives.Add(x.Slice(row * width, width), table.Slice((start + row % length) * width, width),
                y.Slice(row * width, width));
        }
    }

    /// <summary>dx += dy;  dP[start + t] += Σ batch dy_t.</summary>
    public static void Backward(ReadOnlySpan<float> dy, int length, int width, int start, Span<float> dx, Span<float> dtable)
    {
        CheckInput(dy.Length, dtable.Length, length, width, start);
        Check.SameLength("learned_positions", dy.Length, dx.Length);
        Lanes.AddScaled(dy, 1, dx);
        for (int row = 0; row < dy.Length / width; row++)
            Lanes.AddScaled(dy.Slice(row * width, width), 1, dtable.Slice((start + row % length) * width, width));
    }

    private static void CheckInput(int elements, int table, int length, int width, int start)
    {
        Check.Rows("learned_positions", elements, length * width);
        Check.Rows("learned_positions", table, width);
        Check.That(start >= 0 && start + length <= table / width, "learned_positions",
            $"positions {start} to {start + length - 1} must lie within the {table / width} that were learned");
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call.Input("x", -1, -1, -1), table = call.Input("weight", -1, x.Columns), y = x.Like();
        int start = call.Whole("start", 0);
        Forward(x, table, x.Shape[1], x.Columns, start, y);
        if (call.Backward(y, out float[]? dy))
            Backward(dy, x.Shape[1], x.Columns, start, call.Gradient("x"), call.Gradient("weight"));
        return y;
    }
}
