using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>yᵢ = e^(zᵢ/T)/Σ e^(zⱼ/T), a row.</summary>
/// <remarks>
/// z, y: [rows, n]; T: the temperature, above 0. The maximum is subtracted first, so large numbers do not overflow; a row of −∞ alone gives
/// zeros, NaN gives NaN. Bridle 1990, eq. 2.
/// </remarks>
public static class Softmax
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "softmax",
        Group = "Activations",
        Text = "yᵢ = e^(zᵢ/T)/(Σ_j e^(zⱼ/T))",
        Latex = @"y_i = \frac{e^{z_i/T}}{\sum_j e^{z_j/T}}",
        Shapes = "x (z in the formula), y: [rows, n]",
        Symbols = "T: temperature, above 0, 1 without one. A row of −∞ alone gives zeros; NaN gives NaN",
        Source = "Bridle 1990, eq. 2; Hinton, Vinyals and Dean 2015, eq. 1, for T",
        Gradient = "dz += y∘(dy − ⟨y, dy⟩)/T",
        Notes = "Sums to one and keeps the order. T divides logits, not probabilities (correction 5).",
        Example = "x[5,33] temperature=0.7",
        Evaluate = Evaluate,
    };

    /// <summary>y = softmax(z/T) for rows of a width; y may be z.</summary>
    public static void Forward(ReadOnlySpan<float> z, int width, float temperature, Span<float> y)
    {
        Check.Rows("softmax", z.Length, width);
        Check.SameLength("softmax", z.Length, y.Length);
        Check.That(temperature > 0, "softmax", $"the temperature must be above 0, but it is {temperature}");
        for (int row = 0; row < z.Length; row += width)
        {
            ReadOnlySpan<float> from = z.Slice(row, width);
            Span<float> to = y.Slice(row, width);
            float largest = Lanes.Max(from);
            if (float.IsNegativeInfinity(largest))
                to.Clear();
            else
                System.Numerics.Tensors.TensorPrimitives.Multiply(to, 1 / Weigh(from, largest, 1 / temperature, to), to);
        }
    }

    // y = e^((z − largest)·scale); gives Σ y.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Weigh(ReadOnlySpan<float> z, float largest, float scale, Span<float> y)
    {
        ref float startZ = ref MemoryMarshal.GetReference(z), startY = ref MemoryMarshal.GetReference(y);
        Vector512<float> shift = Vector512.Create(largest), sum = default;
        int i = 0;
        for (; i + Lanes.Count <= z.Length; i += Lanes.Count)
        {
            Vector512<float> weight = VectorMath.Exp((Lanes.Load(ref startZ, i) - shift) * scale);
            weight.StoreUnsafe(ref startY, (nuint)i);
            sum += weight;
        }
        if (i < z.Length)
        {
            Vector512<float> weight = VectorMath.Exp((Lanes.LoadTail(z[i..], float.NegativeInfinity) - shift) * scale);
            Lanes.StoreTail(weight, y[i..]);
            sum += weight;
        }
        return Lanes.Sum(sum);
    }

    /// <summary>dz += y∘(dy − ⟨y, dy⟩)/T.</summary>
    public static void Backward(ReadOnlySpan<float> y, int width, float temperature, ReadOnlySpan<float> dy, Span<float> dz)
    {
        Check.Rows("softmax", y.Length, width);
        Check.SameLength("softmax", y.Length, dy.Length);
        Check.SameLength("softmax", y.Length, dz.Length);
        for (int row = 0; row < y.Length; row += width)
            AddRow(y.Slice(row, width), dy.Slice(row, width), 1 / temperature, dz.Slice(row, width));
    }

    /// <summary>ds += scale·p∘(dp − ⟨p, dp⟩), a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void AddRow(ReadOnlySpan<float> p, ReadOnlySpan<float> dp, float scale, Span<float> ds)
    {
        float along = Lanes.Dot(p, dp);
        ref float startP = ref MemoryMarshal.GetReference(p), startUp = ref MemoryMarshal.GetReference(dp),
            startTo = ref MemoryMarshal.GetReference(ds);
        int i = 0;
        for (; i + Lanes.Count <= p.Length; i += Lanes.Count)
        {
            Vector512<float> slope = (Lanes.Load(ref startUp, i) - Vector512.Create(along)) * scale;
            Vector512.FusedMultiplyAdd(Lanes.Load(ref startP, i), slope, Lanes.Load(ref startTo, i)).StoreUnsafe(ref startTo, (nuint)i);
        }
        for (; i < p.Length; i++)
            ds[i] = MathF.FusedMultiplyAdd(p[i], (dp[i] - along) * scale, ds[i]);
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
