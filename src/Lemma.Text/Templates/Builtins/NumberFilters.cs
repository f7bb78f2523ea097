using System.Globalization;
using System.Numerics;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>Filters that make numbers.</summary>
internal static class NumberFilters
{
    public static IReadOnlyDictionary<string, Filter> All { get; } = new Dictionary<string, Filter>
    {
        ["abs"] = static (context, value, arguments) =>
            value is NumberValue { Real: < 0 } ? Arithmetic.Negate(value) : Arithmetic.Plus(value),
        ["int"] = Int,
        ["float"] = static (context, value, arguments) =>
            ToFloat(value) is double real ? new FloatValue(real) : arguments.Bind("float", 0, "default")[0] ?? new FloatValue(0),
        ["round"] = Round,
    };

    private static Value Int(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("int", 0, "default", "base");
        long radix = Arguments.Integer("int: base", given[1], 10);
        if (radix is not (0 or >= 2 and <= 36))
            throw new TemplateFault($"int: the base must be 0 or from 2 to 36, but is {radix}");
        if (value is IntegerValue integer)
            return new IntegerValue(integer.Number);
        if (value is StringValue text && ParseInteger(text.Text, (int)radix) is BigInteger parsed)
            return IntegerValue.Of(parsed);
        if (ToFloat(value) is double real && double.IsFinite(real))
            return IntegerValue.Of(new BigInteger(real));
        return given[0] ?? new IntegerValue(0);
    }

    private static BigInteger? ParseInteger(string text, int radix)
    {
        text = TextParts.Strip(text, null, true, true);
        bool isNegative = text.StartsWith('-');
        text = isNegative || text.StartsWith('+') ? text[1..] : text;
        int prefixed = text.Length > 2 && text[0] == '0' ? char.ToLowerInvariant(text[1]) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 }
            : 0;
        if (prefixed > 0 && radix is 0 || (prefixed == radix && prefixed > 0))
            (text, radix) = (text[2..].TrimStart('_'), prefixed);
        else if (radix == 0)
            radix = text.TrimStart('0', '_').Length > 0 && text[0] == '0' ? 1 : 10;
        if (text.Length == 0 || text[0] == '_' || text[^1] == '_' || text.Contains("__", StringComparison.Ordinal))
            return null;
        if (text.Length > 2 * IntegerValue.Digits)
            throw IntegerValue.TooLong();
        BigInteger result = 0;
        foreach (System.Text.Rune rune in text.Replace("_", "", StringComparison.Ordinal).EnumerateRunes())
        {
            int digit = rune.IsAscii ? Digit((char)rune.Value) : LetterCase.IsDecimal(rune) ? (int)System.Text.Rune.GetNumericValue(rune)
                : 99;
            if (digit >= radix)
                return null;
            result = (result * radix) + digit;
        }
        return isNegative ? -result : result;
    }

    private static int Digit(char letter) =>
        char.IsAsciiDigit(letter) ? letter - '0' : char.IsAsciiLetter(letter) ? (letter | 32) - 'a' + 10 : 99;

    /// <summary>What Python's float makes of a value; null where it makes nothing.</summary>
    public static double? ToFloat(Value value)
    {
        if (value is NumberValue number)
            return number.Real;
        if (value is UndefinedValue undefined)
            throw new TemplateFault(undefined.Reason);
        if (value is not StringValue given)
            return null;
        string text = TextParts.Strip(given.Text, null, true, true);
        string plain = text.TrimStart('+', '-');
        if (text.Length - plain.Length > 1)
            return null;
        double sign = text.StartsWith('-') ? -1 : 1;
        if (plain.Equals("inf", StringComparison.OrdinalIgnoreCase) || plain.Equals("infinity", StringComparison.OrdinalIgnoreCase))
            return sign * double.PositiveInfinity;
        if (plain.Equals("nan", StringComparison.OrdinalIgnoreCase))
            return double.NaN;
        if (plain.Contains("__", StringComparison.Ordinal) || plain.StartsWith('_') || plain.EndsWith('_'))
            return null;
        return double.TryParse(plain.Replace("_", "", StringComparison.Ordinal),
            NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
            CultureInfo.InvariantCulture, out double real) ? sign * real : null;
    }

    private static NumberValue Round(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("round", 0, "precision", "method");
        long precision = Arguments.Integer("round", given[0], 0);
        string method = given[1] is null ? "common" : Arguments.Text("round", given[1]);
        if (method is not ("common" or "ceil" or "floor"))
            throw new TemplateFault($"round: the method must be common, ceil or floor, but is '{method}'");
        NumberValue number = value as NumberValue ?? throw new TemplateFault(
            value is UndefinedValue undefined ? undefined.Reason : $"round: a number is needed, but {value.Shown} is given");
        if (method != "common")
        {
            double unit = Math.Pow(10, precision), scaled = number.Real * unit;
            return new FloatValue((method == "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled)) / unit);
        }
        if (number is not IntegerValue integer)
            return new FloatValue(Rounding.Round(number.Real, precision));
        if (precision >= 0)
            return new IntegerValue(integer.Number);
        if (precision < -IntegerValue.Digits)
            return new IntegerValue(0);
        BigInteger step = BigInteger.Pow(10, (int)-precision);
        BigInteger below = (integer.Number / step * step) - (integer.Number % step < 0 ? step : 0), rest = integer.Number - below;
        bool isUp = rest * 2 > step || (rest * 2 == step && !(below / step).IsEven);
        return IntegerValue.Of(isUp ? below + step : below);
    }
}
