using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>What linear attention remembers of the steps before: S = Σ φ(k)·vᵀ and z = Σ φ(k).</summary>
internal readonly ref struct LinearAttentionSums(Span<float> sums, Span<float> total)
{
    /// <summary>[d, d_v].</summary>
    public Span<float> S { get; } = sums;

    /// <summary>[d].</summary>
    public Span<float> Z { get; } = total;

    /// <summary>No step yet.</summary>
    public void Clear()
    {
        S.Clear();
        Z.Clear();
    }

    /// <summary>S += φ·valueᵀ, z += weight·φ.</summary>
    public void Add(ReadOnlySpan<float> features, ReadOnlySpan<float> value, float weight = 1)
    {
        AddOuter(features, value);
        Lanes.AddScaled(features, weight, Z);
    }

    /// <summary>S += φ·valueᵀ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void AddOuter(ReadOnlySpan<float> features, ReadOnlySpan<float> value)
    {
        Span<float> sums = S;
        ref float from = ref MemoryMarshal.GetReference(value), to = ref MemoryMarshal.GetReference(sums);
        int whole = value.Length / Lanes.Count * Lanes.Count;
        for (int i = 0, at = 0; i < features.Length; i++, at += value.Length)
        {
            Vector512<float> feature = Vector512.Create(features[i]);
            for (int c = 0; c < whole; c += Lanes.Count)
            {
                Vector512.FusedMultiplyAdd(Lanes.Load(ref from, c), feature, Lanes.Load(ref to, at + c))
                    .StoreUnsafe(ref to, (nuint)(at + c));
            }
            if (whole < value.Length)
            {
                Span<float> tail = sums[(at + whole)..(at + value.Length)];
                Lanes.StoreTail(Vector512.FusedMultiplyAdd(Lanes.LoadTail(value[whole..]), feature, Lanes.LoadTail(tail)), tail);
            }
        }
    }

    /// <summary>y += φ·S.</summary>
    /// <remarks>The even and the odd rows are added apart, so that one sum does not wait for the other.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void AddRows(ReadOnlySpan<float> features, Span<float> y)
    {
        ref float start = ref MemoryMarshal.GetReference(S);
        int n = y.Length;
        for (int c = 0; c < n; c += Lanes.Count)
        {
            bool isWhole = c + Lanes.Count <= n;
            Vector512<float> even = default, odd = default;
            int i = 0;
            for (; i + 2 <= features.Length && isWhole; i += 2)
            {
                even = Vector512.FusedMultiplyAdd(Lanes.Load(ref start, i * n + c), Vector512.Create(features[i]), even);
                odd = Vector512.FusedMultiplyAdd(Lanes.Load(ref start, (i + 1) * n + c), Vector512.Create(features[i + 1]), odd);
            }
            for (; i < features.Length; i++)
            {
                Vector512<float> row = Lanes.LoadTail(S.Slice(i * n + c, Math.Min(Lanes.Count, n - c)));
                even = Vector512.FusedMultiplyAdd(row, Vector512.Create(features[i]), even);
            }
            Span<float> to = y[c..Math.Min(n, c + Lanes.Count)];
            Lanes.StoreTail(Lanes.LoadTail(to) + (even + odd), to);
        }
    }

    /// <summary>y = φ·S; gives φ·z.</summary>
    public float Sums(ReadOnlySpan<float> features, Span<float> y)
    {
        y.Clear();
        AddRows(features, y);
        return Lanes.Dot(features, Z);
    }

    /// <summary>y = φ·S/(φ·z).</summary>
    public void Read(ReadOnlySpan<float> features, Span<float> y)
    {
        float total = Sums(features, y);
        System.Numerics.Tensors.TensorPrimitives.Divide(y, total, y);
    }

    /// <summary>S·value + weight·z.</summary>
    public void Along(ReadOnlySpan<float> value, float weight, Span<float> to)
    {
        for (int i = 0; i < to.Length; i++)
            to[i] = Lanes.Dot(S.Slice(i * value.Length, value.Length), value) + weight * Z[i];
    }
}
