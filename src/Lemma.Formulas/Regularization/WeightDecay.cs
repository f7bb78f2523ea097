using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>θ' = θ − η·λ·θ: decay beside the gradient's step, not through it.</summary>
/// <remarks>θ: any shape; η: learning rate; λ: decay. Loshchilov and Hutter 2017, Decoupled weight decay, eq. 1.</remarks>
public static class WeightDecay
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "weight_decay",
        Group = "Regularization",
        Text = "θ = θ − η·λ·θ",
        Latex = @"\theta\leftarrow\theta - \eta\lambda\theta",
        Shapes = "parameter (θ): any shape",
        Symbols = "η (learning_rate), λ (weight_decay)",
        Source = "Loshchilov and Hutter 2017, Decoupled weight decay regularization, eq. 1",
        Gradient = "dθ += (1 − ηλ)·dy",
        Kind = FormulaKind.Elementwise,
        Example = "parameter[33] learning_rate=0.1 weight_decay=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>θ' = (1 − ηλ)·θ; y may be x.</summary>
    public static void Forward(ReadOnlySpan<float> parameters, double rate, double decay, Span<float> y)
    {
        Check.SameLength("weight_decay", parameters.Length, y.Length);
        TensorPrimitives.Multiply(parameters, (float)(1 - rate * decay), y);
    }

    /// <summary>dθ += (1 − ηλ)·dθ'.</summary>
    public static void Backward(ReadOnlySpan<float> dy, double rate, double decay, Span<float> dparameters)
    {
        Check.SameLength("weight_decay", dy.Length, dparameters.Length);
        Lanes.AddScaled(dy, (float)(1 - rate * decay), dparameters);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["parameter"], y = x.Like();
        double rate = call.Number("learning_rate"), decay = call.Number("weight_decay");
        Forward(x, rate, decay, y);
        if (call.Backward(y, out float[]? dy))
            Backward(dy, rate, decay, call.Gradient("parameter"));
        return y;
    }
}
