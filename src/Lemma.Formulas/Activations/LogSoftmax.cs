using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>yᵢ = zᵢ − ln Σ e^zⱼ, a row.</summary>
/// <remarks>z, y: [rows, n]. The maximum is subtracted first; NaN gives NaN. Goodfellow, Bengio and Courville 2016, eq. 6.30.</remarks>
public static class LogSoftmax
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "log_softmax",
        Group = "Activations",
        Text = "yᵢ = zᵢ/T − ln(Σ_j e^(zⱼ/T))",
        Latex = @"y_i = \frac{z_i}{T} - \ln\sum_j e^{z_j/T}",
        Shapes = "x (z in the formula), y: [rows, n]",
        Symbols = "T: temperature, above 0, 1 without one; y in nats. NaN gives NaN",
        Source = "Goodfellow, Bengio and Courville 2016, Deep learning, eq. 6.30",
        Gradient = "dz += (dy − e^y·Σ dy)/T",
        Notes = "Finite where softmax underflows: [1000, 0] gives [0, −1000].",
        Example = "x[5,33] temperature=0.7",
        Evaluate = Evaluate,
    };

    /// <summary>y = z/T − ln Σ e^(z/T) for rows of a width; y may be z.</summary>
    public static void Forward(ReadOnlySpan<float> z, int width, float temperature, Span<float> y)
    {
        Check.Rows("log_softmax", z.Length, width);
        Check.SameLength("log_softmax", z.Length, y.Length);
        Check.That(temperature > 0, "log_softmax", $"the temperature must be above 0, but it is {temperature}");
        for (int row = 0; row < z.Length; row += width)
        {
            Span<float> to = y.Slice(row, width);
            ReadOnlySpan<float> from = z.Slice(row, width);
            // The maximum goes first: what is left is exact where it matters, near zero.
            float largest = Lanes.Max(from), logs = CrossEntropy.LogSumExp(from, largest, 1 / temperature);
            Shift(from, largest, 1 / temperature, logs, to);
        }
    }

    // y = (z − largest)·scale − logs.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Shift(ReadOnlySpan<float> z, float largest, float scale, float logs, Span<float> y)
    {
        ref float startZ = ref MemoryMarshal.GetReference(z), startY = ref MemoryMarshal.GetReference(y);
        Vector512<float> shift = Vector512.Create(largest), rest = Vector512.Create(-logs), factor = Vector512.Create(scale);
        int i = 0;
        for (; i + Lanes.Count <= z.Length; i += Lanes.Count)
            Vector512.FusedMultiplyAdd(Lanes.Load(ref startZ, i) - shift, factor, rest).StoreUnsafe(ref startY, (nuint)i);
        if (i < z.Length)
            Lanes.StoreTail(Vector512.FusedMultiplyAdd(Lanes.LoadTail(z[i..]) - shift, factor, rest), y[i..]);
    }

    /// <summary>dz += (dy − e^y·Σ dy)/T.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(ReadOnlySpan<float> y, int width, float temperature, ReadOnlySpan<float> dy, Span<float> dz)
    {
        Check.Rows("log_softmax", y.Length, width);
        Check.SameLength("log_softmax", y.Length, dy.Length);
        Check.SameLength("log_softmax", y.Length, dz.Length);
        for (int row = 0; row < y.Length; row += width)
        {
            ReadOnlySpan<float> value = y.Slice(row, width), up = dy.Slice(row, width);
            Span<float> to = dz.Slice(row, width);
            ref float startY = ref MemoryMarshal.GetReference(value), startUp = ref MemoryMarshal.GetReference(up);
            ref float startTo = ref MemoryMarshal.GetReference(to);
            Vector512<float> total = Vector512.Create(-Lanes.Sum(up)), scale = Vector512.Create(1 / temperature);
            int i = 0;
            for (; i + Lanes.Count <= width; i += Lanes.Count)
            {
                Vector512<float> slope = Vector512.FusedMultiplyAdd(VectorMath.Exp(Lanes.Load(ref startY, i)), total,
                    Lanes.Load(ref startUp, i));
                Vector512.FusedMultiplyAdd(slope, scale, Lanes.Load(ref startTo, i)).StoreUnsafe(ref startTo, (nuint)i);
            }
            if (i < width)
            {
                Vector512<float> slope = Vector512.FusedMultiplyAdd(VectorMath.Exp(Lanes.LoadTail(value[i..])), total,
                    Lanes.LoadTail(up[i..]));
                Lanes.StoreTail(Vector512.FusedMultiplyAdd(slope, scale, Lanes.LoadTail(to[i..])), to[i..]);
            }
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], y = x.Like();
        float temperature = (float)call.Number("temperature", 1);
        Forward(x, x.Columns, temperature, y);
        if (call.Backward(y, out float[]? dy))
            Backward(y, x.Columns, temperature, dy, call.Gradient("x"));
        return y;
    }
}
