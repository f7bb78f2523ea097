using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Lemma.Formulas;

/// <summary>Checks of lengths that name the formula and both values.</summary>
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
            Throw(formula, string.Create(CultureInfo.InvariantCulture, $"targets must be in [0, {classes}), but the target of row {row} is {target}"));
    }

    [DoesNotReturn]
    private static void Throw(string formula, string problem) => throw new ArgumentException($"{formula}: {problem}");
}
