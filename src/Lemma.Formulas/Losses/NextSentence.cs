using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = −(1/N)·Σ ln softmax(z)_t, t = 0 when B follows A and 1 when B was drawn at random, half of the pairs each.</summary>
/// <remarks>z: [pairs, 2]; t: [pairs]. Devlin et al. 2018, section 3.1, task 2.</remarks>
public static class NextSentence
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "next_sentence",
        Group = "Losses",
        Text = "L = −(1/n)·Σ ln softmax(z)_t",
        Latex = @"L = -\frac{1}{n}\sum_{i=1}^{n}\ln p_i(t_i)\qquad p_i = \mathrm{softmax}(z_i)",
        Shapes = "logits (z): [n, 2]; target (t): [n], 0 when B follows A, 1 when not; L: []",
        Symbols = "half of the pairs are true; L in nats",
        Source = "Devlin et al. 2018, BERT, section 3.1, task 2",
        Gradient = "dz += (softmax(z) − 1_t)/n·dL",
        Example = "logits[9,2] target[9]%2",
        Evaluate = Evaluate,
    };

    /// <summary>For each sentence the index of the one shown after it and the label: the next (0) or a random other one (1).</summary>
    public static void Pairs(int sentences, Philox generator, Span<int> second, Span<int> labels)
    {
        Check.SameLength("next_sentence", second.Length, labels.Length);
        Check.That(sentences > 2 && second.Length < sentences, "next_sentence",
            $"{second.Length} pairs need more than {sentences} sentences");
        for (int i = 0; i < second.Length; i++)
        {
            labels[i] = generator.Uniform(2 * (ulong)i) < 0.5 ? 0 : 1;
            // One of the others: neither the next sentence nor this one.
            int other = generator.Below(sentences - 2, 2 * (ulong)i + 1);
            second[i] = labels[i] == 0 ? i + 1 : other < i ? other : other + 2;
        }
    }

    /// <summary>L, in nats: −ln σ of how far the logit of the label is above the other.</summary>
    public static double Forward(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels)
    {
        CheckInput(logits, labels);
        return labels.IsEmpty ? 0 : Sum(logits, MemoryMarshal.Cast<int, float>(labels)) / labels.Length;
    }

    /// <summary>dz += (softmax(z) − 1_t)/N·dL.</summary>
    public static void Backward(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels, double dy, Span<float> dlogits)
    {
        CheckInput(logits, labels);
        Check.SameLength("next_sentence", logits.Length, dlogits.Length);
        AddSlopes(logits, MemoryMarshal.Cast<int, float>(labels), (float)(dy / labels.Length), dlogits);
    }

    private static void CheckInput(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels)
    {
        Check.SameLength("next_sentence", logits.Length, 2 * labels.Length);
        int other = labels.IndexOfAnyExceptInRange(0, 1);
        if (other >= 0)
            Check.That(false, "next_sentence", $"targets must be 0 or 1, but the target of row {other} is {labels[other]}");
    }

    // Labels are whole numbers in lanes of float.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Sum(ReadOnlySpan<float> logits, ReadOnlySpan<float> labels)
    {
        ref float start = ref MemoryMarshal.GetReference(logits), startLabels = ref MemoryMarshal.GetReference(labels);
        Vector512<double> sum = default;
        int i = 0;
        for (; i + Lanes.Count <= labels.Length; i += Lanes.Count)
        {
            Sixteen rows = new(Lanes.Load(ref start, 2 * i), Lanes.Load(ref start, 2 * i + Lanes.Count), Lanes.Load(ref startLabels, i));
            sum += Lanes.Wide(rows.Loss);
        }
        if (i < labels.Length)
        {
            int middle = Math.Min(2 * i + Lanes.Count, logits.Length);
            Sixteen rows = new(Lanes.LoadTail(logits[(2 * i)..middle]), Lanes.LoadTail(logits[middle..]), Lanes.LoadTail(labels[i..]));
            sum += Lanes.Wide(rows.Loss & Vector512.LessThan(Sixteen.Order, Vector512.Create(labels.Length - i)).AsSingle());
        }
        return Lanes.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddSlopes(ReadOnlySpan<float> logits, ReadOnlySpan<float> labels, float scale, Span<float> dlogits)
    {
        ref float start = ref MemoryMarshal.GetReference(logits), startLabels = ref MemoryMarshal.GetReference(labels);
        ref float to = ref MemoryMarshal.GetReference(dlogits);
        int i = 0;
        for (; i + Lanes.Count <= labels.Length; i += Lanes.Count)
        {
            Sixteen rows = new(Lanes.Load(ref start, 2 * i), Lanes.Load(ref start, 2 * i + Lanes.Count), Lanes.Load(ref startLabels, i));
            (Vector512<float> first, Vector512<float> second) = rows.Slopes(scale);
            (Lanes.Load(ref to, 2 * i) + first).StoreUnsafe(ref to, (nuint)(2 * i));
            (Lanes.Load(ref to, 2 * i + Lanes.Count) + second).StoreUnsafe(ref to, (nuint)(2 * i + Lanes.Count));
        }
        if (i < labels.Length)
        {
            int middle = Math.Min(2 * i + Lanes.Count, logits.Length);
            Sixteen rows = new(Lanes.LoadTail(logits[(2 * i)..middle]), Lanes.LoadTail(logits[middle..]), Lanes.LoadTail(labels[i..]));
            (Vector512<float> first, Vector512<float> second) = rows.Slopes(scale);
            Lanes.StoreTail(Lanes.LoadTail(dlogits[(2 * i)..middle]) + first, dlogits[(2 * i)..middle]);
            Lanes.StoreTail(Lanes.LoadTail(dlogits[middle..]) + second, dlogits[middle..]);
        }
    }

    // Sixteen rows of two logits: those of the first eight in the even lanes, those of the last eight in the odd ones.
    private readonly struct Sixteen
    {
        private readonly Vector512<float> sign, margin, poison;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Sixteen(Vector512<float> first, Vector512<float> second, Vector512<float> labels)
        {
            (Vector512<ulong> a, Vector512<ulong> b, Vector512<ulong> low) = (first.AsUInt64(), second.AsUInt64(),
                Vector512.Create(0xFFFFFFFFUL));
            (Vector512<ulong> label, Vector512<ulong> lastLabel) = Vector512.Widen(labels.AsUInt32());
            Vector512<float> z0 = ((a & low) | (b << 32)).AsSingle(), z1 = ((a >> 32) | Vector512.AndNot(b, low)).AsSingle();
            sign = ((label | (lastLabel << 32)).AsUInt32() << 31).AsSingle();
            margin = (z0 - z1) ^ sign;
            // Without a finite largest logit there is no softmax.
            Vector512<float> largest = Vector512.MaxNative(z0, z1);
            poison = largest - largest;
        }

        /// <summary>The row of each lane.</summary>
        public static Vector512<int> Order => Vector512.Create(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);

        public Vector512<float> Loss => Vector512.MaxNative(default, -margin) + VectorMath.LogOnePlusExp(margin) + poison;

        /// <summary>σ(−margin)·scale, added to the other logit and taken from the label's, in the order of the logits.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (Vector512<float> First, Vector512<float> Second) Slopes(float scale)
        {
            Vector512<float> d1 = ((VectorMath.Sigmoid(-margin) + poison) * scale) ^ sign;
            (Vector512<ulong> a, Vector512<ulong> b, Vector512<ulong> low) = ((-d1).AsUInt64(), d1.AsUInt64(),
                Vector512.Create(0xFFFFFFFFUL));
            return (((a & low) | (b << 32)).AsSingle(), ((a >> 32) | Vector512.AndNot(b, low)).AsSingle());
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logits = call.Input("logits", -1, 2);
        int[] labels = call.Integers("target");
        Values y = Values.Scalar(Forward(logits, labels));
        if (call.Backward(y, out float[]? dy))
            Backward(logits, labels, dy[0], call.Gradient("logits"));
        return y;
    }
}
