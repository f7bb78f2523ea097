using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Lemma.Formulas;

namespace Lemma.Decoding;

/// <summary>Sums over the logits of a vocabulary, sixteen at a time, with the same bits on every processor.</summary>
internal static class LogitMath
{
    /// <summary>max z; NaN where one is NaN or +∞, which no softmax has a value for.</summary>
    public static float Largest(ReadOnlySpan<float> logits)
    {
        ref float first = ref MemoryMarshal.GetReference(logits);
        Vector512<float> infinity = Vector512.Create(float.PositiveInfinity), largest = -infinity, isNumber = Vector512<float>.AllBitsSet;
        int i = 0;
        for (; i <= logits.Length - Lanes.Count; i += Lanes.Count)
        {
            Vector512<float> z = Lanes.Load(ref first, i);
            isNumber &= Vector512.LessThan(z, infinity);
            largest = Vector512.MaxNative(z, largest);
        }
        Vector512<float> tail = Lanes.LoadTail(logits[i..], float.NegativeInfinity);
        isNumber &= Vector512.LessThan(tail, infinity);
        largest = Vector512.MaxNative(tail, largest);
        if (isNumber.ExtractMostSignificantBits() != 0xFFFF)
            return float.NaN;
        float result = largest[0];
        for (int lane = 1; lane < Lanes.Count; lane++)
            result = MathF.Max(result, largest[lane]);
        return result;
    }

    /// <summary>min z over those above −∞; +∞ without any.</summary>
    public static float Least(ReadOnlySpan<float> logits)
    {
        ref float first = ref MemoryMarshal.GetReference(logits);
        Vector512<float> infinity = Vector512.Create(float.PositiveInfinity), least = infinity;
        int i = 0;
        for (; i <= logits.Length - Lanes.Count; i += Lanes.Count)
        {
            Vector512<float> z = Lanes.Load(ref first, i);
            least = Vector512.MinNative(least, Vector512.ConditionalSelect(Vector512.Equals(z, -infinity), infinity, z));
        }
        Vector512<float> tail = Lanes.LoadTail(logits[i..], float.PositiveInfinity);
        least = Vector512.MinNative(least, Vector512.ConditionalSelect(Vector512.Equals(tail, -infinity), infinity, tail));
        float result = least[0];
        for (int lane = 1; lane < Lanes.Count; lane++)
            result = MathF.Min(result, least[lane]);
        return result;
    }

    /// <summary>Σ e^(z−shift) and Σ e^(z−shift)·(z−shift), in double.</summary>
    public static (double Total, double Weighted) Sums(ReadOnlySpan<float> logits, float shift)
    {
        ref float first = ref MemoryMarshal.GetReference(logits);
        // Below −105 e^x is 0 in single precision, and −∞·0 would be no number.
        Vector512<float> least = Vector512.Create(-105f), shifts = Vector512.Create(shift);
        Vector512<double> total = default, weighted = default;
        int i = 0;
        for (; i < logits.Length; i += Lanes.Count)
        {
            Vector512<float> z = i <= logits.Length - Lanes.Count ? Lanes.Load(ref first, i) : Lanes.LoadTail(logits[i..], float.NegativeInfinity);
            Vector512<float> x = Vector512.MaxNative(least, z - shifts), e = VectorMath.Exp(x);
            total += Lanes.Wide(e);
            (Vector512<double> lowX, Vector512<double> highX) = Vector512.Widen(x);
            (Vector512<double> lowE, Vector512<double> highE) = Vector512.Widen(e);
            weighted += (lowX * lowE) + (highX * highE);
        }
        return (Lanes.Sum(total), Lanes.Sum(weighted));
    }

    /// <summary>p = e^(z−shift)/total.</summary>
    public static void Probabilities(ReadOnlySpan<float> logits, float shift, double total, Span<double> p)
    {
        ref float first = ref MemoryMarshal.GetReference(logits);
        ref double result = ref MemoryMarshal.GetReference(p);
        Vector512<float> shifts = Vector512.Create(shift);
        Vector512<double> totals = Vector512.Create(total);
        int i = 0;
        for (; i <= logits.Length - Lanes.Count; i += Lanes.Count)
        {
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(VectorMath.Exp(Lanes.Load(ref first, i) - shifts));
            (low / totals).StoreUnsafe(ref result, (nuint)i);
            (high / totals).StoreUnsafe(ref result, (nuint)i + 8);
        }
        Vector512<float> rest = VectorMath.Exp(Lanes.LoadTail(logits[i..], float.NegativeInfinity) - shifts);
        for (int lane = 0; i < logits.Length; lane++)
            p[i++] = rest[lane] / total;
    }

    /// <summary>√(Σ(z−mean)²/n) over the n logits above −∞, of which there must be one; an origin near them keeps the digits.</summary>
    public static double Deviation(ReadOnlySpan<float> logits, float origin)
    {
        (double sum, double count) = Powers(logits, origin, 1);
        (double squares, _) = Powers(logits, origin + (sum / count), 2);
        return Math.Sqrt(squares / count);
    }

    // Σ(z−mean) or Σ(z−mean)² over the logits above −∞, and how many they are.
    private static (double Sum, double Count) Powers(ReadOnlySpan<float> logits, double mean, int power)
    {
        ref float first = ref MemoryMarshal.GetReference(logits);
        Vector512<float> infinity = Vector512.Create(float.NegativeInfinity);
        Vector512<double> sum = default, count = default, means = Vector512.Create(mean);
        for (int i = 0; i < logits.Length; i += Lanes.Count)
        {
            Vector512<float> z = i <= logits.Length - Lanes.Count ? Lanes.Load(ref first, i) : Lanes.LoadTail(logits[i..], float.NegativeInfinity);
            Vector512<float> counts = Vector512.GreaterThan(z, infinity) & Vector512.Create(1f);
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(Vector512.ConditionalSelect(Vector512.Equals(z, infinity), default, z));
            (Vector512<double> lowOne, Vector512<double> highOne) = Vector512.Widen(counts);
            (low, high) = ((low - means) * lowOne, (high - means) * highOne);
            sum += power == 1 ? low + high : (low * low) + (high * high);
            count += lowOne + highOne;
        }
        return (Lanes.Sum(sum), Lanes.Sum(count));
    }
}
