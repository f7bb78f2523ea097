using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>y_t = φ(q_t)·S_t/(φ(q_t)·z_t), S_t = Σ_{j ≤ t} φ(k_j)·v_jᵀ, z_t = Σ_{j ≤ t} φ(k_j), φ(x) = elu(x) + 1.</summary>
/// <remarks>
/// q, k: [heads, T, d]; v: [heads, T, d_v]; linear in T. Causal by recurrence; without causality S and z are the whole sums. φ: e^x below
/// 0, x + 1 above. Katharopoulos et al. 2020, eq. 7 and 10 to 12.
/// </remarks>
public static class LinearAttention
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "linear_attention",
        Group = "Attention",
        Text = "y_t = φ(q_t)·S_t/(φ(q_t)·z_t), S_t = Σ_{j≤t} φ(k_j)·v_jᵀ, z_t = Σ_{j≤t} φ(k_j)",
        Latex = """
            y_t = \frac{\varphi(q_t) S_t}{\varphi(q_t)\cdot z_t}
            S_t = \sum_{j\le t}\varphi(k_j)^\top v_j\qquad z_t = \sum_{j\le t}\varphi(k_j)
            """,
        Shapes = "q, k: [b, H, T, d]; v: [b, H, T, d_v]",
        Symbols = "φ(x) = elu(x) + 1; causal; chunk: length of a chunk, 0 for the recurrence",
        Source = "Katharopoulos et al. 2020, Transformers are RNNs, eq. 7 and 10 to 12",
        Gradient = "dφ(q) = S·dn + z·dm, dφ(k) = G·v + g, dv = Gᵀ·φ(k)",
        Notes = "Linear in the length; chunks give the same as the recurrence.",
        Example = "q[1,2,9,4] k[1,2,9,4] v[1,2,9,4]",
        Evaluate = Evaluate,
    };

    /// <summary>y, one step after another (causal) or from the whole sums.</summary>
    public static void Forward(ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, int length, int width, int valueWidth,
        bool causal, Span<float> y)
    {
        int heads = CheckInput(q, k, v, length, width, valueWidth, y);
        float[] features = new float[width];
        State state = new(width, valueWidth);
        for (int h = 0; h < heads; h++)
        {
            state.Clear();
            for (int t = 0; t < length && !causal; t++)
                state.Add(Map(Row(k, h, t, length, width), features), Row(v, h, t, length, valueWidth));
            for (int t = 0; t < length; t++)
            {
                if (causal)
                    state.Add(Map(Row(k, h, t, length, width), features), Row(v, h, t, length, valueWidth));
                state.Read(Map(Row(q, h, t, length, width), features), y.Slice((h * length + t) * valueWidth, valueWidth));
            }
        }
    }

    /// <summary>y in chunks: scores within a chunk, the sums of earlier chunks for the rest; equal to the recurrence.</summary>
    public static void ForwardChunked(ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, int length, int width,
        int valueWidth, int chunk, Span<float> y)
    {
        int heads = CheckInput(q, k, v, length, width, valueWidth, y);
        State state = new(width, valueWidth);
        float[] features = new float[width], keys = new float[chunk * width];
        for (int h = 0; h < heads; h++)
        {
            state.Clear();
            for (int first = 0; first < length; first += chunk)
            {
                int count = Math.Min(chunk, length - first);
                for (int t = 0; t < count; t++)
                    Map(Row(k, h, first + t, length, width), keys.AsSpan(t * width, width));
                for (int t = 0; t < count; t++)
                {
                    Span<float> to = y.Slice((h * length + first + t) * valueWidth, valueWidth);
                    Map(Row(q, h, first + t, length, width), features);
                    float total = state.Sums(features, to);
                    for (int j = 0; j <= t; j++)
                    {
                        float weight = Lanes.Dot(features, keys.AsSpan(j * width, width));
                        total += weight;
                        Lanes.AddScaled(Row(v, h, first + j, length, valueWidth), weight, to);
                    }
                    System.Numerics.Tensors.TensorPrimitives.Divide(to, total, to);
                }
                for (int t = 0; t < count; t++)
                    state.Add(keys.AsSpan(t * width, width), Row(v, h, first + t, length, valueWidth));
            }
        }
    }

    /// <summary>
    /// dn = dy/m, dm = −⟨dy, y⟩/m; dφ(q) = S·dn + z·dm; with G = Σ_{t ≥ j} φ(q_t)·dn_tᵀ, g = Σ φ(q_t)·dm_t: dφ(k_j) = G·v_j + g, dv_j +=
    /// Gᵀ·φ(k_j).
    /// </summary>
    public static void Backward(ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, int length, int width, int valueWidth,
        bool causal, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk, Span<float> dv)
    {
        int heads = CheckInput(q, k, v, length, width, valueWidth, y);
        State state = new(width, valueWidth);
        float[] features = new float[width], dfeatures = new float[width], dn = new float[length * valueWidth], dm = new float[length];
        for (int h = 0; h < heads; h++)
        {
            state.Clear();
            for (int t = 0; t < length && !causal; t++)
                state.Add(Map(Row(k, h, t, length, width), features), Row(v, h, t, length, valueWidth));
            for (int t = 0; t < length; t++)
            {
                if (causal)
                    state.Add(Map(Row(k, h, t, length, width), features), Row(v, h, t, length, valueWidth));
                ReadOnlySpan<float> up = Row(dy, h, t, length, valueWidth);
                Map(Row(q, h, t, length, width), features);
                float inverse = 1 / Lanes.Dot(features, state.Z);
                Span<float> slope = dn.AsSpan(t * valueWidth, valueWidth);
                System.Numerics.Tensors.TensorPrimitives.Multiply(up, inverse, slope);
                dm[t] = -Lanes.Dot(up, Row(y, h, t, length, valueWidth)) * inverse;
                state.Along(slope, dm[t], dfeatures);
                AddMapped(Row(q, h, t, length, width), dfeatures, dq.Slice((h * length + t) * width, width));
            }
            state.Clear();
            for (int t = length - 1; t >= 0 && !causal; t--)
                state.Add(Map(Row(q, h, t, length, width), features), dn.AsSpan(t * valueWidth, valueWidth), dm[t]);
            for (int t = length - 1; t >= 0; t--)
            {
                if (causal)
                    state.Add(Map(Row(q, h, t, length, width), features), dn.AsSpan(t * valueWidth, valueWidth), dm[t]);
                state.Along(Row(v, h, t, length, valueWidth), 1, dfeatures);
                AddMapped(Row(k, h, t, length, width), dfeatures, dk.Slice((h * length + t) * width, width));
                Map(Row(k, h, t, length, width), features);
                state.AddRows(features, dv.Slice((h * length + t) * valueWidth, valueWidth));
            }
        }
    }

    private static ReadOnlySpan<float> Row(ReadOnlySpan<float> x, int head, int t, int length,
        int width) => x.Slice((head * length + t) * width, width);

    private static Span<float> Map(ReadOnlySpan<float> x, Span<float> features)
    {
        Elementwise.Forward<FeatureMap>(x, features);
        return features;
    }

    private static void AddMapped(ReadOnlySpan<float> x, ReadOnlySpan<float> dfeatures, Span<float> dx) =>
        Elementwise.Backward<FeatureMap>(x, dfeatures, dx);

    // elu(x) + 1.
    private readonly struct FeatureMap : IFunction
    {
        public static Vector512<float> Value(Vector512<float> x) =>
            Vector512.ConditionalSelect(Vector512.GreaterThan(x, default), x + Vector512.Create(1f), VectorMath.Exp(x));

        public static Vector512<float> Derivative(Vector512<float> x) =>
            Vector512.ConditionalSelect(Vector512.GreaterThan(x, default), Vector512.Create(1f), VectorMath.Exp(x));
    }

    private static int CheckInput(ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, int length, int width,
        int valueWidth, ReadOnlySpan<float> y)
    {
        Check.Rows("linear_attention", q.Length, length * width);
        Check.SameLength("linear_attention", q.Length, k.Length);
        Check.SameLength("linear_attention", q.Length / width * valueWidth, v.Length);
        Check.SameLength("linear_attention", v.Length, y.Length);
        return q.Length / (length * width);
    }

    private sealed class State(int width, int valueWidth)
    {
        public float[] S { get; } = new float[width * valueWidth];

        public float[] Z { get; } = new float[width];

        public void Clear()
        {
            Array.Clear(S);
            Array.Clear(Z);
        }

        public void Add(ReadOnlySpan<float> features, ReadOnlySpan<float> value, float weight = 1)
        {
            AddOuter(features, value, S);
            Lanes.AddScaled(features, weight, Z);
        }

        // S += φ·valueᵀ.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void AddOuter(ReadOnlySpan<float> features, ReadOnlySpan<float> value, Span<float> sums)
        {
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

        // y += φ·S; the even and the odd rows are added apart, so that one sum does not wait for the other.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void AddRows(ReadOnlySpan<float> features, Span<float> y)
        {
            ref float start = ref MemoryMarshal.GetArrayDataReference(S);
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
                    Vector512<float> row = Lanes.LoadTail(S.AsSpan(i * n + c, Math.Min(Lanes.Count, n - c)));
                    even = Vector512.FusedMultiplyAdd(row, Vector512.Create(features[i]), even);
                }
                Span<float> to = y[c..Math.Min(n, c + Lanes.Count)];
                Lanes.StoreTail(Lanes.LoadTail(to) + (even + odd), to);
            }
        }

        // y = φ·S, returns φ·z.
        public float Sums(ReadOnlySpan<float> features, Span<float> y)
        {
            y.Clear();
            AddRows(features, y);
            return Lanes.Dot(features, Z);
        }

        public void Read(ReadOnlySpan<float> features, Span<float> y)
        {
            float total = Sums(features, y);
            System.Numerics.Tensors.TensorPrimitives.Divide(y, total, y);
        }

        // S·value + weight·z.
        public void Along(ReadOnlySpan<float> value, float weight, Span<float> to)
        {
            for (int i = 0; i < to.Length; i++)
                to[i] = Lanes.Dot(S.AsSpan(i * value.Length, value.Length), value) + weight * Z[i];
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values q = call["q"], k = call["k"], v = call["v"];
        HeadSizes sizes = HeadSizes.Of("linear_attention", q, k, v);
        Check.That(sizes.Heads == sizes.KeyValueHeads && sizes.Queries == sizes.Keys, "linear_attention",
            $"q {q} and k {k} must have the same shape");
        string map = call.Word("feature_map", "elu_plus_one");
        Check.That(map == "elu_plus_one", "linear_attention", $"the feature map must be elu_plus_one, but it is {map}");
        bool causal = call.Flag("causal", true);
        int chunk = call.Whole("chunk", 0);
        Values y = new(sizes.Batch, sizes.Heads, sizes.Queries, sizes.ValueWidth);
        if (chunk > 0 && causal)
            ForwardChunked(q, k, v, sizes.Keys, sizes.Width, sizes.ValueWidth, chunk, y);
        else
            Forward(q, k, v, sizes.Keys, sizes.Width, sizes.ValueWidth, causal, y);
        if (call.Backward(y, out float[]? dy))
        {
            Backward(q, k, v, sizes.Keys, sizes.Width, sizes.ValueWidth, causal, y, dy, call.Gradient("q"), call.Gradient("k"),
                call.Gradient("v"));
        }
        return y;
    }
}
