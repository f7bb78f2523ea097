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
        BackwardInput(x, g, r, dy, dx);
        Check.SameLength("rms_norm", g.Length, dg.Length);
        NormGains.Add(x, r, dy, dg);
    }

    /// <summary>dx alone; dg is a sum over rows, which threads share by columns.</summary>
    internal static void BackwardInput(ReadOnlySpan<float> x, ReadOnlySpan<float> g, ReadOnlySpan<float> r, ReadOnlySpan<float> dy, Span<float> dx)
    {
        Check.Rows("rms_norm", x.Length, g.Length);
        Check.SameLength("rms_norm", x.Length, dy.Length);
        Check.SameLength("rms_norm", x.Length, dx.Length);
        Check.SameLength("rms_norm", x.Length / g.Length, r.Length);
        int d = g.Length;
        for (int row = 0; row < r.Length; row++)
        {
            ReadOnlySpan<float> from = x.Slice(row * d, d), up = dy.Slice(row * d, d);
            Span<float> to = dx.Slice(row * d, d);
            float scale = r[row], dot = Dot(from, g, up);
            if (WideRows.Needs(scale, dot))
                WideRows.AddScaled(from, g, scale, (double)scale * scale * scale / d, up, to);
            else
                AddInput(from, g, scale, -dot / d * scale * scale * scale, up, to);
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

    /// <summary>⟨x, g∘dy⟩.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> g, ReadOnlySpan<float> dy)
    {
        ref float startX = ref MemoryMarshal.GetReference(x), startG = ref MemoryMarshal.GetReference(g), startUp = ref MemoryMarshal.GetReference(dy);
        Vector512<float> dot = default;
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
            dot = Vector512.FusedMultiplyAdd(Lanes.Load(ref startX, i), Lanes.Load(ref startUp, i) * Lanes.Load(ref startG, i), dot);
        if (i < x.Length)
            dot = Vector512.FusedMultiplyAdd(Lanes.LoadTail(x[i..]), Lanes.LoadTail(dy[i..]) * Lanes.LoadTail(g[i..]), dot);
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
