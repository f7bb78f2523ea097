using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>θ −= η(m̂/(√v̂ + ε) + λθ), m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).</summary>
/// <remarks>m = β₁m + (1 − β₁)g; v = β₂v + (1 − β₂)g². ε stands outside the root. Loshchilov and Hutter 2017, algorithm 2.</remarks>
public static class AdamW
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "adamw",
        Group = "Optimizers",
        Text = "θ = θ − η·(m̂/(√v̂ + ε) + λ·θ)",
        Latex = @"\theta\leftarrow\theta - \eta\left(\frac{\hat m}{\sqrt{\hat v} + \varepsilon} + \lambda\theta\right)",
        Shapes = "parameter (θ): [n]; gradients (g): [steps, n]",
        Symbols = "as adam; λ: weight_decay",
        Source = "Loshchilov and Hutter 2017, Decoupled weight decay regularization, algorithm 2",
        Gradient = "None: it applies gradients, nothing is differentiated through it",
        IsDifferentiable = false,
        Example = "parameter[6] gradients[10,6] learning_rate=0.01 weight_decay=0.1",
        Evaluate = Adam.EvaluateDecayed,
    };

    /// <summary>The numbers of one step.</summary>
    /// <param name="LearningRate">η.</param>
    /// <param name="Beta1">β₁ in [0, 1).</param>
    /// <param name="Beta2">β₂ in [0, 1).</param>
    /// <param name="Epsilon">ε.</param>
    /// <param name="WeightDecay">λ.</param>
    /// <param name="Step">t, from 1.</param>
    /// <param name="GradientScale">What gradients are multiplied with first: clipping, and 1/accumulation.</param>
    public readonly record struct Numbers(float LearningRate, float Beta1, float Beta2, float Epsilon, float WeightDecay, long Step,
        float GradientScale);

    /// <summary>One step over a range of parameters, in one pass over memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Step(in Numbers step, Span<float> parameters, ReadOnlySpan<float> gradients, Span<float> m, Span<float> v)
    {
        Check.SameLength("adamw", parameters.Length, gradients.Length);
        Check.SameLength("adamw", parameters.Length, m.Length);
        Check.SameLength("adamw", parameters.Length, v.Length);
        float first = (float)(step.LearningRate / (1 - Math.Pow(step.Beta1, step.Step)));
        float root = (float)(1 / Math.Sqrt(1 - Math.Pow(step.Beta2, step.Step)));
        float keep = 1 - step.LearningRate * step.WeightDecay;
        ref float startP = ref MemoryMarshal.GetReference(parameters), startG = ref MemoryMarshal.GetReference(gradients);
        ref float startM = ref MemoryMarshal.GetReference(m), startV = ref MemoryMarshal.GetReference(v);
        int i = 0;
        for (; i + Lanes.Count <= parameters.Length; i += Lanes.Count)
        {
            Vector512<float> gradient = Lanes.Load(ref startG, i) * step.GradientScale;
            Vector512<float> mean = Vector512.FusedMultiplyAdd(gradient - Lanes.Load(ref startM, i), Vector512.Create(1 - step.Beta1),
                Lanes.Load(ref startM, i));
            Vector512<float> square = Vector512.FusedMultiplyAdd(gradient * gradient, Vector512.Create(1 - step.Beta2),
                Lanes.Load(ref startV, i) * step.Beta2);
            mean.StoreUnsafe(ref startM, (nuint)i);
            square.StoreUnsafe(ref startV, (nuint)i);
            Vector512<float> change = mean * first / Vector512.FusedMultiplyAdd(Vector512.Sqrt(square), Vector512.Create(root),
                Vector512.Create(step.Epsilon));
            Vector512.FusedMultiplyAdd(Lanes.Load(ref startP, i), Vector512.Create(keep), -change).StoreUnsafe(ref startP, (nuint)i);
        }
        for (; i < parameters.Length; i++)
        {
            float gradient = gradients[i] * step.GradientScale;
            m[i] = MathF.FusedMultiplyAdd(gradient - m[i], 1 - step.Beta1, m[i]);
            v[i] = MathF.FusedMultiplyAdd(gradient * gradient, 1 - step.Beta2, v[i] * step.Beta2);
            float change = m[i] * first / MathF.FusedMultiplyAdd(MathF.Sqrt(v[i]), root, step.Epsilon);
            parameters[i] = MathF.FusedMultiplyAdd(parameters[i], keep, -change);
        }
    }
}
