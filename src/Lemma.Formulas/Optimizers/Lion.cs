using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>θ −= η·(sign(β₁m + (1 − β₁)g) + λθ), m = β₂m + (1 − β₂)g.</summary>
/// <remarks>
/// θ, g, m: one length. Every weight moves by the same amount. Chen et al. 2023, Symbolic discovery of optimization algorithms, algorithm
/// 2.
/// </remarks>
public static class Lion
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "lion",
        Group = "Optimizers",
        Text = "θ = θ − η·(sign(β₁·m + (1 − β₁)·g) + λ·θ), m = β₂·m + (1 − β₂)·g",
        Latex = """
            \theta\leftarrow\theta - \eta\left(\mathrm{sign}\left(\beta_1 m + (1 - \beta_1) g\right) + \lambda\theta\right)
            m\leftarrow\beta_2 m + (1 - \beta_2) g
            """,
        Shapes = "parameter (θ): [n]; gradients (g): [steps, n]",
        Symbols = "η: learning_rate; β₁ 0.9, β₂ 0.99; λ: weight_decay",
        Source = "Chen et al. 2023, Symbolic discovery of optimization algorithms, algorithm 2",
        Gradient = "None: it applies gradients, nothing is differentiated through it",
        IsDifferentiable = false,
        Example = "parameter[6] gradients[10,6] learning_rate=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>One step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Step(double rate, double beta1, double beta2, double decay, Span<float> parameters, ReadOnlySpan<float> gradients,
        Span<float> m)
    {
        Check.SameLength("lion", parameters.Length, gradients.Length);
        Check.SameLength("lion", parameters.Length, m.Length);
        Check.That(beta1 is >= 0 and < 1, "lion", $"β₁ must lie in [0, 1), but it is {beta1}");
        // The sign of (β₁m + (1 − β₁)g)/(1 − β₁), so that no gradient is rounded to 0 on the way.
        Vector512<float> old = Vector512.Create((float)(beta1 / (1 - beta1)));
        Vector512<float> kept = Vector512.Create((float)beta2), added = Vector512.Create((float)(1 - beta2));
        Vector512<float> left = Vector512.Create((float)(1 - rate * decay)), size = Vector512.Create((float)rate);
        ref float startP = ref MemoryMarshal.GetReference(parameters), startG = ref MemoryMarshal.GetReference(gradients);
        ref float startM = ref MemoryMarshal.GetReference(m);
        int i = 0;
        for (; i + Lanes.Count <= m.Length; i += Lanes.Count)
        {
            Vector512<float> g = Lanes.Load(ref startG, i), v = Lanes.Load(ref startM, i);
            Moved(Lanes.Load(ref startP, i), Vector512.FusedMultiplyAdd(old, v, g), left, size).StoreUnsafe(ref startP, (nuint)i);
            Vector512.FusedMultiplyAdd(kept, v, added * g).StoreUnsafe(ref startM, (nuint)i);
        }
        if (i < m.Length)
        {
            Vector512<float> g = Lanes.LoadTail(gradients[i..]), v = Lanes.LoadTail(m[i..]);
            Lanes.StoreTail(Moved(Lanes.LoadTail(parameters[i..]), Vector512.FusedMultiplyAdd(old, v, g), left, size), parameters[i..]);
            Lanes.StoreTail(Vector512.FusedMultiplyAdd(kept, v, added * g), m[i..]);
        }
    }

    // (1 − ηλ)·θ − η·sign(along); the sign of 0 is 0, and NaN stays.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Moved(Vector512<float> parameter, Vector512<float> along, Vector512<float> left, Vector512<float> size)
    {
        Vector512<float> sign = Vector512.ConditionalSelect(Vector512.GreaterThan(along, default), Vector512.Create(1f),
            Vector512.ConditionalSelect(Vector512.LessThan(along, default), Vector512.Create(-1f), along));
        return Vector512.FusedMultiplyAdd(left, parameter, -(size * sign));
    }

    private static Values Evaluate(FormulaCall call)
    {
        double rate = GivenGradients.Rate(call, "lion"), beta1 = call.Number("beta1", 0.9), beta2 = call.Number("beta2", 0.99);
        double decay = call.Number("weight_decay", 0);
        float[] m = new float[call["parameter"].Count];
        return GivenGradients.Run(call, (_, parameters, gradients) => Step(rate, beta1, beta2, decay, parameters, gradients, m));
    }
}
