using System.Globalization;
using System.Numerics;

namespace Lemma.Decoding.Constraints.Json;

/// <summary>A decimal number as JSON writes it: Digits·10^−Places, exactly.</summary>
internal readonly record struct ExactNumber(BigInteger Digits, int Places) : IComparable<ExactNumber>
{
    // A bound with a larger exponent has more digits than any number that is made.
    private const int MostExponent = 400, MostLength = 400;

    /// <summary>The number of a text; null where its digits or its exponent are too many.</summary>
    public static ExactNumber? Read(string text)
    {
        int exponentAt = text.IndexOfAny(['e', 'E']);
        int exponent = 0;
        if (text.Length > MostLength || (exponentAt >= 0
            && (!int.TryParse(text.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent)
                || Math.Abs(exponent) > MostExponent)))
            return null;
        string mantissa = exponentAt < 0 ? text : text[..exponentAt];
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        int places = point < 0 ? 0 : mantissa.Length - point - 1;
        BigInteger digits = BigInteger.Parse(mantissa.Replace(".", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        places -= exponent;
        if (places < 0)
            (digits, places) = (digits * BigInteger.Pow(10, -places), 0);
        while (places > 0 && digits % 10 == 0)
            (digits, places) = (digits / 10, places - 1);
        return new ExactNumber(digits, digits.IsZero ? 0 : places);
    }

    /// <summary>Whether it is whole.</summary>
    public bool IsWhole => Places == 0;

    /// <summary>The largest whole number that is not above it.</summary>
    public BigInteger Floor
    {
        get
        {
            BigInteger whole = BigInteger.DivRem(Digits, BigInteger.Pow(10, Places), out BigInteger rest);
            return rest.Sign < 0 ? whole - 1 : whole;
        }
    }

    /// <summary>The smallest whole number that is not below it.</summary>
    public BigInteger Ceiling => -(-this).Floor;

    /// <summary>The digits before the point and behind it, without a sign.</summary>
    public (string Whole, string Fraction) Written
    {
        get
        {
            string all = BigInteger.Abs(Digits).ToString(CultureInfo.InvariantCulture).PadLeft(Places + 1, '0');
            return (all[..^Places], all[^Places..]);
        }
    }

    public int CompareTo(ExactNumber other) =>
        (Digits * BigInteger.Pow(10, other.Places)).CompareTo(other.Digits * BigInteger.Pow(10, Places));

    public static ExactNumber operator -(ExactNumber number) => new(-number.Digits, number.Places);
}
