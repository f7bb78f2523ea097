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
    public static void SameLength(string formula, int expected, int actual)
    {
        if (expected != actual)
            Throw(formula, string.Create(CultureInfo.InvariantCulture, $"lengths must agree, but they are {expected} and {actual}"));
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
        if (AllProbabilities(p))
            return;
        int at = 0;
        while (p[at] is >= 0 and <= 1)
            at++;
        Throw(formula, string.Create(CultureInfo.InvariantCulture, $"{name} must lie in [0, 1], but element {at} is {p[at]}"));
    }

    private static bool AllProbabilities(ReadOnlySpan<float> p)
    {
        ref float start = ref MemoryMarshal.GetReference(p);
        Vector512<float> one = Vector512.Create(1f), hold = Vector512<float>.AllBitsSet;
        int i = 0;
        for (; i + Lanes.Count <= p.Length; i += Lanes.Count)
            hold &= InRange(Lanes.Load(ref start, i), one);
        if (i < p.Length)
            hold &= InRange(Lanes.LoadTail(p[i..]), one);
        return Vector512.ExtractMostSignificantBits(hold) == 0xFFFF;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> InRange(Vector512<float> p, Vector512<float> one) =>
        Vector512.GreaterThanOrEqual(p, default) & Vector512.LessThanOrEqual(p, one);

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
