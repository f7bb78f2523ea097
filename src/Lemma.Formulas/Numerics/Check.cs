using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>Checks that name the formula, the rule and the values.</summary>
internal static class Check
{
    /// <summary>Two lengths must agree.</summary>
    public static void SameLength(string formula, long expected, long actual)
    {
        if (expected != actual)
            Throw(formula, string.Create(CultureInfo.InvariantCulture, $"lengths must agree, but they are {expected} and {actual}"));
    }

    /// <summary>What a loop without bounds checks reads or writes beside a span must reach as far as it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Reach(int length, int a, int b = int.MaxValue, int c = int.MaxValue, int d = int.MaxValue, int e = int.MaxValue,
        int f = int.MaxValue, int g = int.MaxValue)
    {
        int least = Math.Min(Math.Min(Math.Min(a, b), Math.Min(c, d)), Math.Min(Math.Min(e, f), g));
        if (least < length)
            Throw("kernel", string.Create(CultureInfo.InvariantCulture, $"lengths must agree, but they are {length} and {least}"));
    }

    /// <summary>A length must be a number of rows of a width.</summary>
    public static void Rows(string formula, int length, int columns)
    {
        if (columns <= 0 || length % columns != 0)
            Throw(formula, string.Create(CultureInfo.InvariantCulture, $"{length} elements are not whole rows of {columns}"));
    }

    /// <summary>A target must name one of the classes.</summary>
    public static void Target(string formula, int target, int row, int classes)
    {
        if ((uint)target >= (uint)classes)
            Throw(formula, string.Create(CultureInfo.InvariantCulture,
                $"targets must be in [0, {classes}), but the target of row {row} is {target}"));
    }

    /// <summary>Every number must be a probability, which NaN is not.</summary>
    public static void Probabilities(string formula, string name, ReadOnlySpan<float> p)
    {
        if (!All<Probability>(p))
            ThrowFirst<Probability>(formula, name, "lie in [0, 1]", p);
    }

    /// <summary>Every number must be 0 or 1.</summary>
    public static void Flags(string formula, string name, ReadOnlySpan<float> flags)
    {
        if (!All<Flag>(flags))
            ThrowFirst<Flag>(formula, name, "be 0 or 1", flags);
    }

    /// <summary>Every number must be the log of a probability, which NaN is not.</summary>
    public static void LogProbabilities(string formula, string name, ReadOnlySpan<float> logs)
    {
        if (!All<NotPositive>(logs))
            ThrowFirst<NotPositive>(formula, name, "hold logs of probabilities", logs);
    }

    /// <summary>Every number must be whole, and at most 2²⁴ in magnitude, up to where float32 holds them all.</summary>
    public static void WholeNumbers(string formula, string name, ReadOnlySpan<float> x)
    {
        if (!All<Whole>(x))
            ThrowFirst<Whole>(formula, name, "hold whole numbers", x);
    }

    /// <summary>Nothing may be NaN.</summary>
    public static void Numbers(string formula, string name, ReadOnlySpan<float> x)
    {
        if (!All<Number>(x))
            ThrowFirst<Number>(formula, name, "be numbers", x);
    }

    // Lanes of ones where a number passes.
    private interface ITest
    {
        static abstract Vector512<float> Passes(Vector512<float> x);
    }

    private readonly struct Probability : ITest
    {
        public static Vector512<float> Passes(Vector512<float> x) =>
            Vector512.GreaterThanOrEqual(x, default) & Vector512.LessThanOrEqual(x, Vector512.Create(1f));
    }

    private readonly struct Flag : ITest
    {
        public static Vector512<float> Passes(Vector512<float> x) => Vector512.Equals(x, default) | Vector512.Equals(x,
            Vector512.Create(1f));
    }

    private readonly struct NotPositive : ITest
    {
        public static Vector512<float> Passes(Vector512<float> x) => Vector512.LessThanOrEqual(x, default);
    }

    private readonly struct Whole : ITest
    {
        public static Vector512<float> Passes(Vector512<float> x) => Vector512.Equals(x, Vector512.Truncate(x))
            & Vector512.LessThanOrEqual(Vector512.Abs(x), Vector512.Create(16777216f));
    }

    private readonly struct Number : ITest
    {
        public static Vector512<float> Passes(Vector512<float> x) => Vector512.Equals(x, x);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool All<TTest>(ReadOnlySpan<float> x) where TTest : ITest
    {
        ref float start = ref MemoryMarshal.GetReference(x);
        Vector512<float> hold = Vector512<float>.AllBitsSet;
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
            hold &= TTest.Passes(Lanes.Load(ref start, i));
        if (i < x.Length)
            hold &= TTest.Passes(Lanes.LoadTail(x[i..], x[^1]));
        return Vector512.ExtractMostSignificantBits(hold) == 0xFFFF;
    }

    [DoesNotReturn]
    private static void ThrowFirst<TTest>(string formula, string name, string rule, ReadOnlySpan<float> x) where TTest : ITest
    {
        int at = 0;
        while (Vector512.ExtractMostSignificantBits(TTest.Passes(Vector512.Create(x[at]))) != 0)
            at++;
        Throw(formula, string.Create(CultureInfo.InvariantCulture, $"{name} must {rule}, but element {at} is {x[at]}"));
    }

    /// <summary>Every row must be a distribution: probabilities that sum to one within 10⁻⁴.</summary>
    public static void Distributions(string formula, string name, ReadOnlySpan<float> p, int columns)
    {
        Rows(formula, p.Length, columns);
        Probabilities(formula, name, p);
        for (int row = 0; row < p.Length / columns; row++)
        {
            double sum = Lanes.WideSum(p.Slice(row * columns, columns));
            if (Math.Abs(sum - 1) > 1e-4)
                Throw(formula, string.Create(CultureInfo.InvariantCulture,
                    $"row {row} of {name} must sum to 1, but it sums to {sum:0.######}"));
        }
    }

    /// <summary>A condition on given values.</summary>
    public static void That([DoesNotReturnIf(false)] bool condition, string formula,
        [InterpolatedStringHandlerArgument(nameof(condition))] ref Problem problem)
    {
        if (!condition)
            Throw(formula, problem.ToString());
    }

    [DoesNotReturn]
    private static void Throw(string formula, string problem) => throw new ArgumentException($"{formula}: {problem}");

    /// <summary>What is wrong, put into words only when something is: a check that holds costs no memory.</summary>
    [InterpolatedStringHandler]
    public ref struct Problem
    {
        private DefaultInterpolatedStringHandler text;

        /// <summary>Asks for the parts when the condition does not hold.</summary>
        public Problem(int literalLength, int formattedCount, bool condition, out bool isNeeded)
        {
            isNeeded = !condition;
            text = isNeeded ? new(literalLength, formattedCount, CultureInfo.InvariantCulture) : default;
        }

        /// <summary>Words.</summary>
        public void AppendLiteral(string words) => text.AppendLiteral(words);

        /// <summary>A value.</summary>
        public void AppendFormatted<T>(T value) => text.AppendFormatted(value);

        /// <summary>A value in a format.</summary>
        public void AppendFormatted<T>(T value, string format) => text.AppendFormatted(value, format);

        /// <inheritdoc/>
        public override string ToString() => text.ToStringAndClear();
    }
}
