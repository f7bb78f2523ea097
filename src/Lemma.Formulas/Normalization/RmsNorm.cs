using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>y = x · r · g, with r = 1/√(mean(x²) + ε).</summary>
/// <remarks>x, y: [rows, d]; g: [d]; r: [rows], kept for the backward. Zhang and Sennrich 2019, eq. 4.</remarks>
public static class RmsNorm
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "rms_norm",
        Group = "Normalization",
        Text = "y = x/√(mean(x²) + ε)·g",
        Latex = @"y = \frac{x}{\sqrt{\mathrm{mean}(x^2) + \varepsilon}}\cdot g",
        Shapes = "x, y: [rows, d]; weight (g): [d]",
        Symbols = "ε (epsilon) inside the root; epsilon_inside_root=false gives x/(√(mean(x²)) + ε)·g",
        Source = "Zhang and Sennrich 2019, Root mean square layer normalization, eq. 4",
        Gradient = "dx += r·(g∘dy) − x·(r³/d)·⟨x, g∘dy⟩, dg += Σ r·x∘dy",
        Notes = "The forms differ most for small x: at √(mean(x²)) = √ε by 1/√2 (correction 11).",
        Example = "x[5,33] weight[33] epsilon=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>y = x · r · g.</summary>
    public static void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> g, float epsilon, Span<float> y, Span<float> r)
    {
        Check.Rows("rms_norm", x.Length, g.Length);
        Check.SameLength("rms_norm", x.Length, y.Length);
        Check.SameLength("rms_norm", x.Length / g.Length, r.Length);
        int d = g.Length;
        for (int row = 0; row < r.Length; row++)
        {
            ReadOnlySpan<float> from = x.Slice(row * d, d);
            float square = Lanes.Dot(from, from) / d + epsilon;
            r[row] = WideRows.Needs(square) ? (float)(1 / Math.Sqrt(WideRows.MeanOfSquares(from) + epsilon)) : 1 / MathF.Sqrt(square);
            Scale(from, r[row], g, y.Slice(row * d, d));
        }
    }

    /// <summary>dx += r·(g∘dy) − x·(r³/d)·⟨x, g∘dy⟩;  dg += Σ rows r·x∘dy.</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> g, ReadOnlySpan<float> r,
        ReadOnlySpan<float> dy, Span<float> dx, Span<float> dg)
    {
        Check.Rows("rms_norm", x.Length, g.Length);
        Check.SameLength("rms_norm", x.Length, dy.Length);
        Check.SameLength("rms_norm", x.Length, dx.Length);
        Check.SameLength("rms_norm", g.Length, dg.Length);
        Check.SameLength("rms_norm", x.Length / g.Length, r.Length);
        int d = g.Length;
        Span<float> dots = stackalloc float[Lanes.RowsATime];
        for (int row = 0; row < r.Length; row += Lanes.RowsATime)
        {
            int rows = Math.Min(Lanes.RowsATime, r.Length - row);
            ReadOnlySpan<float> from = x.Slice(row * d, rows * d), up = dy.Slice(row * d, rows * d);
            AddGain(from, g, r.Slice(row, rows), up, dg, dots);
            for (int i = 0; i < rows; i++)
            {
                float scale = r[row + i], along = -dots[i] / d * scale * scale * scale;
                ReadOnlySpan<float> one = from.Slice(i * d, d), upOfOne = up.Slice(i * d, d);
                Span<float> to = dx.Slice((row + i) * d, d);
                if (WideRows.Needs(scale, dots[i]))
                    WideRows.AddScaled(one, g, scale, (double)scale * scale * scale / d, upOfOne, to);
                else
                    AddInput(one, g, scale, along, upOfOne, to);
            }
        }
    }

    // y = x·r·g. One loop a method: the pointers of loops that share one with calls live in memory.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Scale(ReadOnlySpan<float> x, float r, ReadOnlySpan<float> g, Span<float> y)
    {
        ref float startX = ref MemoryMarshal.GetReference(x), startG = ref MemoryMarshal.GetReference(g),
            startY = ref MemoryMarshal.GetReference(y);
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
            (Lanes.Load(ref startX, i) * r * Lanes.Load(ref startG, i)).StoreUnsafe(ref startY, (nuint)i);
        if (i < x.Length)
            Lanes.StoreTail(Lanes.LoadTail(x[i..]) * r * Lanes.LoadTail(g[i..]), y[i..]);
    }

    /// <summary>dg += r·x∘dy for up to four rows, in their order; gives ⟨x, g∘dy⟩ of each.</summary>
    internal static void AddGain(ReadOnlySpan<float> x, ReadOnlySpan<float> g, ReadOnlySpan<float> r, ReadOnlySpan<float> dy,
        Span<float> dg,
        Span<float> dots)
    {
        int d = g.Length;
        if (r.Length == Lanes.RowsATime)
        {
            AddFourGains(x, g, r, dy, dg, dots);
            return;
        }
        for (int row = 0; row < r.Length; row++)
            dots[row] = AddOneGain(x.Slice(row * d, d), g, r[row], dy.Slice(row * d, d), dg);
    }

    // g and the sum dg are read and written once for all four rows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFourGains(ReadOnlySpan<float> x, ReadOnlySpan<float> g, ReadOnlySpan<float> r, ReadOnlySpan<float> dy,
        Span<float> dg,
        Span<float> dots)
    {
        int d = g.Length, i = 0;
        ref float x0 = ref MemoryMarshal.GetReference(x), x1 = ref Unsafe.Add(ref x0, d), x2 = ref Unsafe.Add(ref x1, d),
            x3 = ref Unsafe.Add(ref x2, d);
        ref float up0 = ref MemoryMarshal.GetReference(dy), up1 = ref Unsafe.Add(ref up0, d), up2 = ref Unsafe.Add(ref up1, d),
            up3 = ref Unsafe.Add(ref up2, d);
        ref float startG = ref MemoryMarshal.GetReference(g), startDg = ref MemoryMarshal.GetReference(dg);
        Vector512<float> dot0 = default, dot1 = default, dot2 = default, dot3 = default;
        float r0 = r[0], r1 = r[1], r2 = r[2], r3 = r[3];
        for (; i + Lanes.Count <= d; i += Lanes.Count)
        {
            Vector512<float> gain = Lanes.Load(ref startG, i), sum = Lanes.Load(ref startDg, i);
            Add(Lanes.Load(ref x0, i), r0, gain, Lanes.Load(ref up0, i), ref sum, ref dot0);
            Add(Lanes.Load(ref x1, i), r1, gain, Lanes.Load(ref up1, i), ref sum, ref dot1);
            Add(Lanes.Load(ref x2, i), r2, gain, Lanes.Load(ref up2, i), ref sum, ref dot2);
            Add(Lanes.Load(ref x3, i), r3, gain, Lanes.Load(ref up3, i), ref sum, ref dot3);
            sum.StoreUnsafe(ref startDg, (nuint)i);
        }
        if (i < d)
        {
            int rest = d - i;
            Vector512<float> gain = Lanes.LoadTail(g[i..]), sum = Lanes.LoadTail(dg[i..]);
            Add(Lanes.LoadTail(x.Slice(i, rest)), r0, gain, Lanes.LoadTail(dy.Slice(i, rest)), ref sum, ref dot0);
            Add(Lanes.LoadTail(x.Slice(d + i, rest)), r1, gain, Lanes.LoadTail(dy.Slice(d + i, rest)), ref sum, ref dot1);
            Add(Lanes.LoadTail(x.Slice(2 * d + i, rest)), r2, gain, Lanes.LoadTail(dy.Slice(2 * d + i, rest)), ref sum, ref dot2);
            Add(Lanes.LoadTail(x.Slice(3 * d + i, rest)), r3, gain, Lanes.LoadTail(dy.Slice(3 * d + i, rest)), ref sum, ref dot3);
            Lanes.StoreTail(sum, dg[i..]);
        }
        (dots[0], dots[1], dots[2], dots[3]) = (Lanes.Sum(dot0), Lanes.Sum(dot1), Lanes.Sum(dot2), Lanes.Sum(dot3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector512<float> x, float r, Vector512<float> g, Vector512<float> up, ref Vector512<float> dg,
        ref Vector512<float> dot)
    {
        dg = Vector512.FusedMultiplyAdd(x * r, up, dg);
        dot = Vector512.FusedMultiplyAdd(x, up * g, dot);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float AddOneGain(ReadOnlySpan<float> x, ReadOnlySpan<float> g, float r, ReadOnlySpan<float> dy, Span<float> dg)
    {
        ref float startX = ref MemoryMarshal.GetReference(x), startG = ref MemoryMarshal.GetReference(g);
        ref float startUp = ref MemoryMarshal.GetReference(dy), startDg = ref MemoryMarshal.GetReference(dg);
        Vector512<float> dot = default;
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
        {
            Vector512<float> sum = Lanes.Load(ref startDg, i);
            Add(Lanes.Load(ref startX, i), r, Lanes.Load(ref startG, i), Lanes.Load(ref startUp, i), ref sum, ref dot);
            sum.StoreUnsafe(ref startDg, (nuint)i);
        }
        if (i < x.Length)
        {
            Vector512<float> sum = Lanes.LoadTail(dg[i..]);
            Add(Lanes.LoadTail(x[i..]), r, Lanes.LoadTail(g[i..]), Lanes.LoadTail(dy[i..]), ref sum, ref dot);
            Lanes.StoreTail(sum, dg[i..]);
        }
        return Lanes.Sum(dot);
    }

    // dx += r·(g∘dy) + along·x.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void AddInput(ReadOnlySpan<float> x, ReadOnlySpan<float> g, float r, float along, ReadOnlySpan<float> dy,
        Span<float> dx)
    {
        ref float startX = ref MemoryMarshal.GetReference(x), startG = ref MemoryMarshal.GetReference(g);
        ref float startUp = ref MemoryMarshal.GetReference(dy), startTo = ref MemoryMarshal.GetReference(dx);
        Vector512<float> factor = Vector512.Create(along);
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
        {
            Vector512<float> sum = Vector512.FusedMultiplyAdd(Lanes.Load(ref startX, i), factor, Lanes.Load(ref startTo, i));
            Vector512.FusedMultiplyAdd(Lanes.Load(ref startUp, i) * r, Lanes.Load(ref startG, i), sum).StoreUnsafe(ref startTo, (nuint)i);
        }
        if (i < x.Length)
        {
            Vector512<float> sum = Vector512.FusedMultiplyAdd(Lanes.LoadTail(x[i..]), factor, Lanes.LoadTail(dx[i..]));
            Lanes.StoreTail(Vector512.FusedMultiplyAdd(Lanes.LoadTail(dy[i..]) * r, Lanes.LoadTail(g[i..]), sum), dx[i..]);
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], g = call.Input("weight", x.Columns), y = x.Like();
        bool inside = call.Flag("epsilon_inside_root", true);
        float epsilon = (float)call.Number("epsilon", 1e-6);
        float[] r = new float[x.Rows];
        if (inside)
            Forward(x, g, epsilon, y, r);
        else
            RmsNormOutside.Forward(x, g, epsilon, y, r);
        if (call.Backward(y, out float[]? dy) && inside)
            Backward(x, g, r, dy, call.Gradient("x"), call.Gradient("weight"));
        else if (dy is not null)
            RmsNormOutside.Backward(x, g, r, dy, call.Gradient("x"), call.Gradient("weight"));
        return y;
    }
}
