using System.Globalization;
using System.Numerics;

namespace Lemma.Text.Templates.Values;

/// <summary>A number: whole, with a point, or true and false, which count as 1 and 0.</summary>
internal abstract class NumberValue : Value
{
    /// <summary>The value as a double.</summary>
    public abstract double Real { get; }

    public override bool IsTrue => Real != 0;

    public override bool IsEqual(Value other, Budget budget) => other is NumberValue number && Compare(number) == 0;

    /// <summary>-1, 0 or 1; 2 when one is not a number.</summary>
    public int Compare(NumberValue other)
    {
        if (this is IntegerValue one && other is IntegerValue two)
            return one.Number.CompareTo(two.Number);
        double left = Real, right = other.Real;
        if (double.IsNaN(left) || double.IsNaN(right))
            return 2;
        // A whole number may lie between two doubles, or beyond all of them.
        if (left != right || (this is FloatValue && other is FloatValue))
            return left.CompareTo(right);
        return double.IsInfinity(left) ? Math.Sign(left) * (this is FloatValue ? 1 : -1) : Exact(this).CompareTo(Exact(other));
    }

    private static BigInteger Exact(NumberValue value) => value is IntegerValue integer ? integer.Number : new BigInteger(value.Real);

    /// <summary>A double as Python writes it: the shortest digits that read back, with an exponent below -4 and from 16 on.</summary>
    public static string Write(double value)
    {
        if (double.IsNaN(value))
            return "nan";
        if (double.IsInfinity(value))
            return value > 0 ? "inf" : "-inf";
        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        string digits = new([.. shortest.Split('E')[0].Where(char.IsAsciiDigit)]);
        digits = digits.TrimStart('0').TrimEnd('0');
        if (digits.Length == 0)
            return double.IsNegative(value) ? "-0.0" : "0.0";
        string sign = value < 0 ? "-" : "";
        int exponent = Exponent(shortest);
        if (exponent is < -4 or >= 16)
            return $"{sign}{digits[0]}{(digits.Length > 1 ? "." + digits[1..] : "")}e{(exponent < 0 ? "-" : "+")}{Math.Abs(exponent):00}";
        if (exponent < 0)
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        return exponent + 1 >= digits.Length
            ? $"{sign}{digits}{new string('0', exponent + 1 - digits.Length)}.0"
            : $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    // The power of ten of the first digit that is not 0.
    private static int Exponent(string shortest)
    {
        string[] parts = shortest.TrimStart('-').Split('E');
        int power = parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0;
        int point = parts[0].IndexOf('.', StringComparison.Ordinal);
        string digits = parts[0].Replace(".", "", StringComparison.Ordinal);
        int first = digits.TakeWhile(static digit => digit == '0').Count();
        return power + (point < 0 ? parts[0].Length : point) - 1 - first;
    }
}
