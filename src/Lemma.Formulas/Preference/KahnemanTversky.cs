using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = E[λ_D(1 − σ(β(r − z₀))) if desirable, λ_U(1 − σ(β(z₀ − r))) if not], r = ln π(y)/π_ref(y).</summary>
/// <remarks>
/// policy, reference: [samples] of ln π(y|x); desirable: [samples] of 0 or 1; z₀: the mean KL(π‖π_ref) of the batch, a constant at or above
/// 0. Ethayarajh et al. 2024, KTO, eq. 8.
/// </remarks>
public static class KahnemanTversky
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "kto",
        Group = "Preference",
        Text = "L = E[λ·(1 − σ(±β·(r − z₀)))], r = ln(π(y)/π_ref(y))",
        Latex = """
            L = \mathbb{E}\left[\lambda\left(1 - \sigma\left(\pm\beta(r - z_0)\right)\right)\right]
            r = \ln\frac{\pi(y)}{\pi_\mathrm{ref}(y)}
            """,
        Shapes = "policy, reference: [samples] of ln π(y|x); desirable: [samples] of 0 or 1; L: []",
        Symbols = "β above 0; z₀ (reference_point): the batch mean of KL(π‖π_ref), a constant; λ: desirable_weight, undesirable_weight",
        Source = "Ethayarajh et al. 2024, KTO, eq. 8",
        Gradient = "dr = ∓λβ·σ(g)σ(−g)/N·dL, g = β(r − z₀)",
        Notes = "Needs single judged answers, not pairs.",
        Example = "policy[9] reference[9] desirable[9]%2 beta=0.4 reference_point=0.1 desirable_weight=1.3",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(ReadOnlySpan<float> policy, ReadOnlySpan<float> reference, ReadOnlySpan<float> desirable,
        double beta, double origin, double desirableWeight, double undesirableWeight)
    {
        CheckInput(policy, reference, desirable, beta, origin);
        Term term = new(beta, origin, (float)desirableWeight, (float)undesirableWeight);
        return policy.IsEmpty ? 0 : Sum(term, policy, reference, desirable) / policy.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Sum(Term term, ReadOnlySpan<float> policy, ReadOnlySpan<float> reference, ReadOnlySpan<float> desirable)
    {
        ref float startPolicy = ref MemoryMarshal.GetReference(policy), startReference = ref MemoryMarshal.GetReference(reference);
        ref float startDesirable = ref MemoryMarshal.GetReference(desirable);
        Vector512<double> sum = default;
        int i = 0;
        for (; i + Lanes.Count <= policy.Length; i += Lanes.Count)
        {
            sum += Lanes.Wide(term.Value(Lanes.Load(ref startPolicy, i), Lanes.Load(ref startReference, i),
                Lanes.Load(ref startDesirable, i)));
        }
        if (i < policy.Length)
        {
            Vector512<float> value = term.Value(Lanes.LoadTail(policy[i..]), Lanes.LoadTail(reference[i..]),
                Lanes.LoadTail(desirable[i..]));
            sum += Lanes.Wide(Lanes.Keep(value, policy.Length - i));
        }
        return Lanes.Sum(sum);
    }

    /// <summary>dr = ∓λβ·σ(g)σ(−g)/N·dL, g = β(r − z₀): minus for the desirable; dπ += dr, dπ_ref −= dr.</summary>
    public static void Backward(ReadOnlySpan<float> policy, ReadOnlySpan<float> reference, ReadOnlySpan<float> desirable,
        double beta, double origin, double desirableWeight, double undesirableWeight, double dy, Span<float> dpolicy,
            Span<float> dreference)
    {
        CheckInput(policy, reference, desirable, beta, origin);
        Check.SameLength("kto", policy.Length, dpolicy.Length);
        Check.SameLength("kto", policy.Length, dreference.Length);
        double scale = dy * beta / policy.Length;
        AddSlopes(new(beta, origin, (float)(-scale * desirableWeight), (float)(scale * undesirableWeight)), policy, reference, desirable,
            dpolicy,
            dreference);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddSlopes(Term term, ReadOnlySpan<float> policy, ReadOnlySpan<float> reference, ReadOnlySpan<float> desirable,
        Span<float> dpolicy, Span<float> dreference)
    {
        ref float startPolicy = ref MemoryMarshal.GetReference(policy), startReference = ref MemoryMarshal.GetReference(reference);
        ref float startDesirable = ref MemoryMarshal.GetReference(desirable);
        ref float toPolicy = ref MemoryMarshal.GetReference(dpolicy), toReference = ref MemoryMarshal.GetReference(dreference);
        int i = 0;
        for (; i + Lanes.Count <= policy.Length; i += Lanes.Count)
        {
            Vector512<float> slope = term.Slope(Lanes.Load(ref startPolicy, i), Lanes.Load(ref startReference, i),
                Lanes.Load(ref startDesirable, i));
            (Lanes.Load(ref toPolicy, i) + slope).StoreUnsafe(ref toPolicy, (nuint)i);
            (Lanes.Load(ref toReference, i) - slope).StoreUnsafe(ref toReference, (nuint)i);
        }
        if (i < policy.Length)
        {
            Vector512<float> slope = term.Slope(Lanes.LoadTail(policy[i..]), Lanes.LoadTail(reference[i..]),
                Lanes.LoadTail(desirable[i..]));
            Lanes.StoreTail(Lanes.LoadTail(dpolicy[i..]) + slope, dpolicy[i..]);
            Lanes.StoreTail(Lanes.LoadTail(dreference[i..]) - slope, dreference[i..]);
        }
    }

    // The weights are those of the loss, or with scale and sign those of its slope.
    private readonly struct Term(double beta, double origin, float desirableWeight, float undesirableWeight)
    {
        // λ·σ(∓g).
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Value(Vector512<float> policy, Vector512<float> reference, Vector512<float> desirable)
        {
            Vector512<float> gain = Gain(policy, reference), isDesirable = Vector512.GreaterThan(desirable, default);
            return VectorMath.Sigmoid(gain ^ (isDesirable & Vector512.Create(-0f))) * Weight(isDesirable);
        }

        // λ·σ(g)·σ(−g), which is even in g.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Slope(Vector512<float> policy, Vector512<float> reference, Vector512<float> desirable)
        {
            Vector512<float> e = VectorMath.Exp(-Vector512.Abs(Gain(policy, reference))), sum = Vector512.Create(1f) + e;
            return e / (sum * sum) * Weight(Vector512.GreaterThan(desirable, default));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private Vector512<float> Gain(Vector512<float> policy, Vector512<float> reference)
        {
            (Vector512<double> lower, Vector512<double> upper) = Margins.Difference(policy, reference);
            return Vector512.Narrow((lower - Vector512.Create(origin)) * beta, (upper - Vector512.Create(origin)) * beta);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private Vector512<float> Weight(Vector512<float> isDesirable) =>
            Vector512.ConditionalSelect(isDesirable, Vector512.Create(desirableWeight), Vector512.Create(undesirableWeight));
    }

    private static void CheckInput(ReadOnlySpan<float> policy, ReadOnlySpan<float> reference, ReadOnlySpan<float> desirable, double beta,
        double origin)
    {
        Check.SameLength("kto", policy.Length, reference.Length);
        Check.SameLength("kto", policy.Length, desirable.Length);
        Check.That(beta > 0, "kto", $"β must be above 0, but it is {beta}");
        Check.That(origin >= 0, "kto", $"the reference point z₀ is a divergence and must not be negative, but it is {origin}");
        Check.Flags("kto", "desirable", desirable);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values policy = call["policy"], reference = call.Same("reference", policy), desirable = call.Same("desirable", policy);
        double beta = call.Number("beta", 0.1), origin = call.Number("reference_point", 0);
        double good = call.Number("desirable_weight", 1), bad = call.Number("undesirable_weight", 1);
        Values y = Values.Scalar(Forward(policy, reference, desirable, beta, origin, good, bad));
        if (call.Backward(y, out float[]? dy))
            Backward(policy, reference, desirable, beta, origin, good, bad, dy[0], call.Gradient("policy"), call.Gradient("reference"));
        return y;
    }
}
