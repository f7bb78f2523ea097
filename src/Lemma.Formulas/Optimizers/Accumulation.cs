namespace Lemma.Formulas;

/// <summary>g = (1/k)·Σ g_i over the k parts of a batch, and then one step.</summary>
/// <remarks>
/// gradients: [k, n]; g: [n]. Equal to the gradient of the whole batch when the parts are equally large. Goyal et al. 2017, section 2.
/// </remarks>
public static class Accumulation
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "gradient_accumulation",
        Group = "Optimizers",
        Text = "g = (1/k)·Σ_i g_i",
        Latex = @"g = \frac{1}{k}\sum_{i=1}^{k} g_i",
        Shapes = "gradients: [k, n]; g: [n]",
        Symbols = "k: parts of a batch, equally large",
        Source = "Goyal et al. 2017, Accurate, large minibatch SGD, section 2",
        Gradient = "None: it adds gradients",
        IsDifferentiable = false,
        Example = "gradients[4,6]",
        Evaluate = Evaluate,
    };

    /// <summary>g, added in the order of the parts.</summary>
    public static void Forward(ReadOnlySpan<float> gradients, Span<float> mean)
    {
        Check.Rows("gradient_accumulation", gradients.Length, mean.Length);
        mean.Clear();
        for (int at = 0; at < gradients.Length; at += mean.Length)
            Lanes.AddScaled(gradients.Slice(at, mean.Length), (float)mean.Length / gradients.Length, mean);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values gradients = call.Input("gradients", -1, -1), y = new(gradients.Columns);
        Forward(gradients, y);
        return y;
    }
}
