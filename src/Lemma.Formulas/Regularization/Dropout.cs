using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>
/// y = x·m/(1 − p), m drawn from a counter: 0 with probability p, else 1 (the inverted form; nothing happens at inference).
/// </summary>
/// <remarks>
/// The mask is a function of (generator, index), so it is the same for any number of threads and is drawn again in the backward, not
/// stored. Srivastava et al. 2014.
/// </remarks>
public static class Dropout
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "dropout",
        Group = "Regularization",
        Text = "y = x·m/(1 − p) while training, y = x at inference",
        Latex = @"y = \begin{cases} \frac{m\cdot x}{1 - p} & \text{while training} \cr x & \text{at inference} \end{cases}",
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
    /// <param name="p">The probability to drop, in [0, 1), in steps of 2⁻³².</param>
    /// <param name="generator">The generator of this use in this step.</param>
    /// <param name="start">The index of the first element, a multiple of 128.</param>
    /// <param name="y">The result.</param>
    /// <remarks>
    /// Element i of block b of 128 elements takes 16 bits of word i / 32 of the counter 16·b + i % 16: the low half for even i / 16. It is
    /// dropped when they are below the first 16 bits of p; when they are equal, 16 further bits, of the same place at the counter with its
    /// highest bit set, are compared with the rest of p.
    /// </remarks>
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
        for (int i = 0; i < x.Length; i += BlocksATime * Block)
        {
            int count = Math.Min(BlocksATime * Block, x.Length - i), whole = count / Block * Block;
            ulong counter = (ulong)(start + i) / Block * Lanes.Count;
            MaskWhole(x.Slice(i, whole), threshold, scale, generator, counter, y.Slice(i, whole));
            if (whole < count)
                MaskLast(x[(i + whole)..], threshold, scale, generator, counter + (ulong)(whole / Block * Lanes.Count), y[(i + whole)..]);
        }
    }

    private static void MaskWhole(ReadOnlySpan<float> x, uint threshold, float scale, Philox generator, ulong counter, Span<float> y)
    {
        if (!MaskBlocks(x, threshold, scale, generator, counter, y))
            return;
        for (int i = 0; i < y.Length; i += Block, counter += Lanes.Count)
            Settle(threshold, generator, counter, y.Slice(i, Block));
    }

    private static void MaskLast(ReadOnlySpan<float> x, uint threshold, float scale, Philox generator, ulong counter, Span<float> y)
    {
        Span<float> block = stackalloc float[Block];
        x.CopyTo(block);
        MaskWhole(block, threshold, scale, generator, counter, block);
        block[..x.Length].CopyTo(y);
    }

    // Masks by the first 16 bits alone; tells whether some were equal to those of p.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool MaskBlocks(ReadOnlySpan<float> x, uint threshold, float scale, Philox generator, ulong counter, Span<float> y)
    {
        ref float from = ref MemoryMarshal.GetReference(x), to = ref MemoryMarshal.GetReference(y);
        Vector512<uint> least = Vector512.Create(threshold >> 16), low = Vector512.Create(0xFFFFu), ties = default;
        for (int i = 0; i < x.Length; i += Block, counter += Lanes.Count)
        {
            (Vector512<uint> a, Vector512<uint> b, Vector512<uint> c, Vector512<uint> d) = generator.Sixteen(counter);
            ties |= Vector512.Equals(a & low, least) | Vector512.Equals(a >> 16, least) | Vector512.Equals(b & low, least)
                | Vector512.Equals(b >> 16, least);
            ties |= Vector512.Equals(c & low, least) | Vector512.Equals(c >> 16, least) | Vector512.Equals(d & low, least)
                | Vector512.Equals(d >> 16, least);
            Masked(Lanes.Load(ref from, i), a & low, least, scale).StoreUnsafe(ref to, (nuint)i);
            Masked(Lanes.Load(ref from, i + 16), a >> 16, least, scale).StoreUnsafe(ref to, (nuint)i + 16);
            Masked(Lanes.Load(ref from, i + 32), b & low, least, scale).StoreUnsafe(ref to, (nuint)i + 32);
            Masked(Lanes.Load(ref from, i + 48), b >> 16, least, scale).StoreUnsafe(ref to, (nuint)i + 48);
            Masked(Lanes.Load(ref from, i + 64), c & low, least, scale).StoreUnsafe(ref to, (nuint)i + 64);
            Masked(Lanes.Load(ref from, i + 80), c >> 16, least, scale).StoreUnsafe(ref to, (nuint)i + 80);
            Masked(Lanes.Load(ref from, i + 96), d & low, least, scale).StoreUnsafe(ref to, (nuint)i + 96);
            Masked(Lanes.Load(ref from, i + 112), d >> 16, least, scale).StoreUnsafe(ref to, (nuint)i + 112);
        }
        return ties != default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Masked(Vector512<float> x, Vector512<uint> bits, Vector512<uint> least, float scale) =>
        Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(bits, least).AsSingle(), x * scale, default);

    // Drops those of a block whose first 16 bits are equal to those of p and whose further bits are below the rest: one in 65,536 is asked.
    private static void Settle(uint threshold, Philox generator, ulong counter, Span<float> y)
    {
        Span<uint> words = stackalloc uint[4 * Lanes.Count];
        (Vector512<uint> a, Vector512<uint> b, Vector512<uint> c, Vector512<uint> d) = generator.Sixteen(counter);
        a.CopyTo(words);
        b.CopyTo(words[16..]);
        c.CopyTo(words[32..]);
        d.CopyTo(words[48..]);
        for (int i = 0; i < Block; i++)
        {
            if (Half(words[i / 32 * 16 + i % 16], i) != threshold >> 16)
                continue;
            (uint wordA, uint wordB, uint wordC, uint wordD) = generator.Bits((counter + (ulong)(i % 16)) | 1UL << 63);
            uint further = Half((i / 32) switch { 0 => wordA, 1 => wordB, 2 => wordC, _ => wordD }, i);
            if (further < (threshold & 0xFFFF))
                y[i] = 0;
        }
    }

    private static uint Half(uint word, int i) => i / 16 % 2 == 0 ? word & 0xFFFF : word >> 16;

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

    private const int Block = 128, BlocksATime = 4;
}
