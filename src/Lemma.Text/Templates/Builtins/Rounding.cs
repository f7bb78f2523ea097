using System.Globalization;

namespace Lemma.Text.Templates.Builtins;

/// <summary>Decimal rounding of the exact value of a double, ties to the even digit, as Python does.</summary>
internal static class Rounding
{
    /// <summary>A number of at least 0 with so many digits behind the point.</summary>
    public static string Fixed(double value, int decimals)
    {
        // The runtime's digits are exact, but a tie goes up; a tie has exactly one digit more than asked for, a 5.
        string longer = value.ToString($"F{decimals + 1}", CultureInfo.InvariantCulture);
        bool isTie = longer[^1] == '5'
            && value.ToString($"F{decimals + 30}", CultureInfo.InvariantCulture).AsSpan(longer.Length).Trim('0').Length == 0;
        if (!isTie)
            return value.ToString($"F{decimals}", CultureInfo.InvariantCulture);
        string down = longer[..^1].TrimEnd('.');
        return (down[^1] - '0') % 2 == 0 ? down : value.ToString($"F{decimals}", CultureInfo.InvariantCulture);
    }

    /// <summary>A double with so many digits behind the point; before it where the number is negative.</summary>
    public static double Round(double value, long decimals)
    {
        if (!double.IsFinite(value) || decimals > 300)
            return value;
        if (decimals < 0)
        {
            double unit = Math.Pow(10, Math.Min(-decimals, 400));
            return double.IsFinite(unit) ? Math.Round(value / unit, MidpointRounding.ToEven) * unit : 0.0 * value;
        }
        return Math.CopySign(double.Parse(Fixed(Math.Abs(value), (int)decimals), CultureInfo.InvariantCulture), value);
    }
}
