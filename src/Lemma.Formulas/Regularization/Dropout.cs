using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>
/// y = x·m/(1 − p), m drawn from a counter: 0 with probability p, else 1 (the inverted form; nothing happens at inference).
/// </summary>
/// <remarks>The mask is a function of (generator, index), so it is the same for any number of threads and is drawn again in the backward, not stored.
/// Srivastava et al. 2014.</remarks>
public static class Dropout
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "dropout",
        Group = "Regularization",
        Text = "y = x·m/(1 − p) while training, y = x at inference",
        Shapes = "x, y: any shape",
        Symbols = "p: probability to drop, in [0, 1); m: 0 or 1, a function of seed and place",
        Source = "Srivastava et al. 2014, Dropout, section 10, inverted form",
        Gradient = "dx += dy·m/(1 − p)",
        Notes = "The mask is the same for any number of threads and is drawn again in the backward.",
        Kind = FormulaKind.Elementwise,
        Example = "x[3,33] p=0.25 seed=3",
        Evaluate = Evaluate,
    };

    /// <summary>y = x·m/(1 − p) for elements whose first index is <paramref name="start"/>; y may be x.</summary>
    /// <param name="x">The elements.</param>
    /// <param name="p">The probability to drop, in [0, 1).</param>
    /// <param name="generator">The generator of this use in this step.</param>
    /// <param name="start">The index of the first element, a multiple of 64.</param>
    /// <param name="y">The result.</param>
    /// <remarks>Element i of the block b of 64 elements takes word i / 16 of the counter 16·b + i % 16: sixteen counters at a time.</remarks>
    public static void Forward(ReadOnlySpan<float> x, float p, Philox generator, long start, Span<float> y)
    {
        Check.SameLength("dropout", x.Length, y.Length);
        Mask(x, p, 1 / (1 - p), generator, start, y);
    }

    /// <summary>y = x·m·scale.</summary>
    internal static void Mask(ReadOnlySpan<float> x, float p, float scale, Philox generator, long start, Span<float> y)
    {
        Check.That(start % Block == 0, "dropout", $"the first element must be a multiple of {Block}, but it is {start}");
        uint threshold = (uint)(p * 4294967296.0);
        int whole = x.Length / Block * Block;
        MaskBlocks(x[..whole], threshold, scale, generator, (ulong)start / 4, y);
        if (whole == x.Length)
            return;
        Span<float> last = stackalloc float[Block];
        x[whole..].CopyTo(last);
        MaskBlocks(last, threshold, scale, generator, (ulong)(start + whole) / 4, last);
        last[..(x.Length - whole)].CopyTo(y[whole..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MaskBlocks(ReadOnlySpan<float> x, uint threshold, float scale, Philox generator, ulong counter, Span<float> y)
    {
        ref float from = ref MemoryMarshal.GetReference(x), to = ref MemoryMarshal.GetReference(y);
        Vector512<uint> least = Vector512.Create(threshold);
        for (int i = 0; i < x.Length; i += Block, counter += Lanes.Count)
        {
            (Vector512<uint> a, Vector512<uint> b, Vector512<uint> c, Vector512<uint> d) = generator.Sixteen(counter);
            Masked(Lanes.Load(ref from, i), a, least, scale).StoreUnsafe(ref to, (nuint)i);
            Masked(Lanes.Load(ref from, i + 16), b, least, scale).StoreUnsafe(ref to, (nuint)i + 16);
            Masked(Lanes.Load(ref from, i + 32), c, least, scale).StoreUnsafe(ref to, (nuint)i + 32);
            Masked(Lanes.Load(ref from, i + 48), d, least, scale).StoreUnsafe(ref to, (nuint)i + 48);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Masked(Vector512<float> x, Vector512<uint> bits, Vector512<uint> least, float scale) =>
        Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(bits, least).AsSingle(), x * scale, default);

    /// <summary>dx = dy·m/(1 − p) in place: the forward with the same generator.</summary>
    public static void Backward(Span<float> dy, float p, Philox generator, long start) => Forward(dy, p, generator, start, dy);

    internal static float Probability(FormulaCall call)
    {
        double p = call.Number("p");
        Check.That(p is >= 0 and < 1, "dropout", $"the probability must be in [0, 1), but it is {p}");
        return (float)p;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], y = x.Like();
        (float p, bool training, Philox generator) = (Probability(call), call.Flag("training", true),
            new Philox((ulong)call.Whole("seed", 1)));
        if (training)
            Forward(x, p, generator, 0, y);
        else
            x.Data.CopyTo(y.Data, 0);
        if (call.Backward(y, out float[]? dy))
        {
            float[] dx = [.. dy];
            if (training)
                Backward(dx, p, generator, 0);
            Lanes.AddScaled(dx, 1, call.Gradient("x"));
        }
        return y;
    }

    private const int Block = 64;
}
