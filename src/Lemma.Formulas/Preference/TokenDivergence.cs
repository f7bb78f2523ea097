using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>k_t = e^x − x − 1, x = ln π_ref − ln π: k₃ of each token.</summary>
/// <remarks>log_probs, reference_log_probs, k: any one shape. Schulman 2020, Approximating KL divergence, k3.</remarks>
public static class TokenDivergence
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "kl_k3_tokens",
        Group = "Preference",
        Text = "k_t = e^x − x − 1, x = ln π_ref − ln π",
        Latex = @"k_t = e^x - x - 1\qquad x = \ln\pi_\mathrm{ref} - \ln\pi",
        Shapes = "log_probs (ln π), reference_log_probs (ln π_ref), k: any one shape",
        Symbols = "logs in nats; the mean of k over tokens of π estimates KL(π‖π_ref)",
        Source = "Schulman 2020, Approximating KL divergence, k3",
        Gradient = "d ln π += (1 − e^x)·dk",
        Notes = "kl_k3 before its mean, so that its user chooses the mean; the reference is a constant.",
        Kind = FormulaKind.Elementwise,
        Example = "log_probs[6,5]*0.5 reference_log_probs[6,5]*0.5",
        Evaluate = Evaluate,
    };

    /// <summary>k_t = e^x − x − 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(ReadOnlySpan<float> logs, ReadOnlySpan<float> reference, Span<float> divergences)
    {
        Check.SameLength("kl_k3_tokens", logs.Length, reference.Length);
        Check.SameLength("kl_k3_tokens", logs.Length, divergences.Length);
        for (int i = 0; i < logs.Length; i += Lanes.Count)
        {
            int count = Math.Min(Lanes.Count, logs.Length - i);
            Lanes.StoreTail(VectorMath.ExpExcess(ToReference(logs, reference, i, count)), divergences.Slice(i, count));
        }
    }

    /// <summary>d ln π += (1 − e^x)·dk.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(ReadOnlySpan<float> logs, ReadOnlySpan<float> reference, ReadOnlySpan<float> ddivergences, Span<float> dlogs)
    {
        Check.SameLength("kl_k3_tokens", logs.Length, reference.Length);
        Check.SameLength("kl_k3_tokens", logs.Length, ddivergences.Length);
        Check.SameLength("kl_k3_tokens", logs.Length, dlogs.Length);
        for (int i = 0; i < logs.Length; i += Lanes.Count)
        {
            int count = Math.Min(Lanes.Count, logs.Length - i);
            Span<float> to = dlogs.Slice(i, count);
            Vector512<float> slope = VectorMath.ExpMinusOne(ToReference(logs, reference, i, count)) * Lanes.LoadTail(ddivergences.Slice(i, count));
            Lanes.StoreTail(Lanes.LoadTail(to) - slope, to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> ToReference(ReadOnlySpan<float> logs, ReadOnlySpan<float> reference, int first, int count)
    {
        (Vector512<double> lower, Vector512<double> upper) =
            Margins.Difference(Lanes.LoadTail(reference.Slice(first, count)), Lanes.LoadTail(logs.Slice(first, count)));
        return Vector512.Narrow(lower, upper);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logs = call["log_probs"], reference = call.Same("reference_log_probs", logs), y = logs.Like();
        Forward(logs, reference, y);
        if (call.Backward(y, out float[]? dy))
            Backward(logs, reference, dy, call.Gradient("log_probs"));
        return y;
    }
}
