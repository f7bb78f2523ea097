using System.Numerics.Tensors;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>The hyperparameters of AdamW.</summary>
public sealed record AdamWOptions
{
    /// <summary>β₁ in [0, 1).</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>β₂ in [0, 1).</summary>
    public float Beta2 { get; init; } = 0.95f;

    /// <summary>ε, outside the root.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>λ; matrices decay, biases and norms do not.</summary>
    public float WeightDecay { get; init; } = 0.1f;

    /// <summary>Whether every parameter decays, biases and norms as well.</summary>
    public bool DecayAll { get; init; }

    /// <summary>The largest norm of the gradient; 0 for no clipping.</summary>
    public float Clip { get; init; } = 1;
}

/// <summary>AdamW over contiguous parameters: one pass for the norm of the gradient, one that clips, decays and steps.</summary>
public sealed unsafe class AdamWOptimizer
{
    private const long ElementsAPart = 1 << 17;
    private readonly Parameters parameters;
    private readonly Workers workers;
    private readonly AdamWOptions options;
    private readonly (long Offset, int Count, bool Decays, Parameter Owner)[] parts;
    private readonly double[] sums;

    /// <summary>Takes memory for gradients and moments when it is not there yet.</summary>
    public AdamWOptimizer(Parameters parameters, Workers workers, AdamWOptions options)
    {
        (this.parameters, this.workers, this.options) = (parameters, workers, options);
        parameters.AllocateTrainingState();
        List<(long, int, bool, Parameter)> list = [];
        foreach (Parameter parameter in parameters.All.Where(parameter => parameter.Learns))
        {
            for (long first = 0; first < parameter.Count; first += ElementsAPart)
                list.Add((parameter.Offset + first, (int)Math.Min(ElementsAPart, parameter.Count - first), parameter.Decays || options.DecayAll, parameter));
        }
        parts = [.. list];
        sums = new double[parts.Length];
    }

    /// <summary>Steps taken.</summary>
    public long StepsTaken { get; set; }

    /// <summary>Updates the weights from the gradients and forgets these. Returns the norm of the gradient before clipping.</summary>
    /// <param name="learningRate">η of this step.</param>
    /// <param name="gradientScale">What gradients are multiplied with first, such as 1/accumulation.</param>
    public double Step(float learningRate, float gradientScale = 1)
    {
        double norm = Norm() * gradientScale;
        if (!double.IsFinite(norm))
            throw new ArithmeticException($"adamw: the norm of the gradient is {norm} in step {StepsTaken + 1}; {FirstNotFinite()}");
        StepsTaken++;
        float clip = options.Clip > 0 ? GradientNorm.ClipFactor(norm, options.Clip) : 1;
        AdamW.Numbers numbers = new(learningRate, options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay, StepsTaken, clip * gradientScale);
        workers.Run(parts.Length, (parameters, parts, numbers), static (in s, index) =>
        {
            (long offset, int count, bool decays, Parameter owner) = s.parts[index];
            AdamW.Numbers numbers = s.numbers with { LearningRate = s.numbers.LearningRate * owner.RateScale, WeightDecay = decays ? s.numbers.WeightDecay : 0 };
            Span<float> weights = new(s.parameters.WeightsPointer + offset, count);
            AdamW.Step(numbers, weights, new ReadOnlySpan<float>(s.parameters.GradientsPointer + offset, count),
                new Span<float>(s.parameters.FirstPointer + offset, count), new Span<float>(s.parameters.SecondPointer + offset, count));
            if (owner.Bounds is { } bounds)
                TensorPrimitives.Clamp(weights, bounds.Least, bounds.Most, weights);
        });
        parameters.ForgetGradients();
        return norm;
    }

    /// <summary>‖g‖₂ over all parameters; sums of parts are added in order, so the bits do not depend on the threads.</summary>
    public double Norm()
    {
        foreach (Parameter parameter in parameters.All)
            parameters.Gradients(parameter);
        workers.Run(parts.Length, (parameters, parts, sums), static (in s, index) =>
            s.sums[index] = GradientNorm.SumOfSquares(new ReadOnlySpan<float>(s.parameters.GradientsPointer + s.parts[index].Offset, s.parts[index].Count)));
        double total = 0;
        foreach (double sum in sums)
            total += sum;
        return Math.Sqrt(total);
    }

    private string FirstNotFinite()
    {
        foreach (Parameter parameter in parameters.All)
        {
            Span<float> gradient = parameters.Gradients(parameter);
            for (int i = 0; i < gradient.Length; i++)
            {
                if (!float.IsFinite(gradient[i]))
                    return $"the first gradient that is not finite is {gradient[i]} at element {i} of '{parameter.Name}'";
            }
        }
        return "every single gradient is finite, but their squares are not";
    }
}
