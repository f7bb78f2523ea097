namespace Lemma.Planning;

/// <summary>How the numbers of training are held: bytes of each.</summary>
/// <param name="Name">The name: <c>float32</c>, <c>mixed</c>.</param>
/// <param name="WeightBytes">Of a weight that passes read.</param>
/// <param name="MasterBytes">Of the copy of it that the optimizer steps; 0 where there is none.</param>
/// <param name="GradientBytes">Of a gradient of a weight.</param>
/// <param name="MomentBytes">Of a number that the optimizer keeps.</param>
/// <param name="ActivationBytes">Of an activation and its gradient.</param>
/// <remarks>Mixed is 16 bytes a parameter with Adam: Rajbhandari et al. 2020, ZeRO, section 3.1. Lemma trains in float32; the others are for plans of other
/// machines.</remarks>
public sealed record TrainingPrecision(string Name, int WeightBytes, int MasterBytes, int GradientBytes, int MomentBytes, int ActivationBytes)
{
    /// <summary>Everything in 32 bits: what Lemma does.</summary>
    public static TrainingPrecision Float32 { get; } = new("float32", 4, 0, 4, 4, 4);

    /// <summary>16 bits for weights, gradients and activations, 32 for a copy of the weights and the moments.</summary>
    public static TrainingPrecision Mixed { get; } = new("mixed", 2, 4, 2, 4, 2);

    /// <summary>All that are known.</summary>
    public static IReadOnlyList<TrainingPrecision> All { get; } = [Float32, new("bfloat16", 2, 0, 2, 2, 2), new("float16", 2, 0, 2, 2, 2), Mixed];

    /// <summary>The precision of a name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static TrainingPrecision Find(string name) => All.FirstOrDefault(one => one.Name == name)
        ?? throw new ArgumentException($"precision: there is no '{name}'; there are {string.Join(", ", All.Select(one => one.Name))}");
}

/// <summary>The bytes of a step of training by kind.</summary>
/// <param name="Weights">Weights that passes read.</param>
/// <param name="Masters">Their copies that the optimizer steps.</param>
/// <param name="Gradients">Gradients of weights.</param>
/// <param name="Moments">What the optimizer keeps.</param>
/// <param name="Activations">One pass: activations and their gradients.</param>
public readonly record struct StepMemory(long Weights, long Masters, long Gradients, long Moments, long Activations)
{
    /// <summary>All together.</summary>
    public long Total => Weights + Masters + Gradients + Moments + Activations;
}
