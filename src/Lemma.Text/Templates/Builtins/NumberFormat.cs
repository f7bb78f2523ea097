using System.Globalization;
using System.Numerics;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>How one value is written by a format: filling, side, sign, width, precision.</summary>
internal readonly record struct NumberFormat(char Fill, char Side, char Sign, bool HasCommas, int Width, int Precision)
{
    private const int Widest = 10_000;

    /// <summary>[flags][width][.precision] of a %.</summary>
    public static NumberFormat ReadPercent(string text, ref int at)
    {
        char fill = ' ', side = '>', sign = '-';
        for (; at < text.Length && text[at] is '-' or '0' or '+' or ' ' or '#'; at++)
        {
            if (text[at] == '-')
                side = '<';
            else if (text[at] == '0')
                fill = '0';
            else if (text[at] is '+' || (text[at] is ' ' && sign != '+'))
                sign = text[at];
        }
        int width = ReadNumber(text, ref at, 0);
        int precision = at < text.Length && text[at] == '.' ? ReadPrecision(text, ref at) : -1;
        return new NumberFormat(side == '<' ? ' ' : fill, side == '>' && fill == '0' ? '=' : side, sign, false, width, precision);
    }

    /// <summary>[[fill]side][sign][0][width][,][.precision][kind] of braces, and the kind.</summary>
    public static (NumberFormat Format, char Kind) ReadBraces(string text, bool isNumber)
    {
        int at = 0;
        char fill = ' ', side = isNumber ? '>' : '<', sign = '-';
        if (text.Length > 1 && text[1] is '<' or '>' or '^' or '=')
            (fill, side, at) = (text[0], text[1], 2);
        else if (text.Length > 0 && text[0] is '<' or '>' or '^' or '=')
            (side, at) = (text[0], 1);
        if (at < text.Length && text[at] is '+' or '-' or ' ')
            sign = text[at++];
        if (at < text.Length && text[at] == '0')
            (fill, side, at) = ('0', isNumber && at == 0 ? '=' : side, at + 1);
        int width = ReadNumber(text, ref at, 0);
        bool hasCommas = at < text.Length && text[at] == ',';
        at += hasCommas ? 1 : 0;
        int precision = at < text.Length && text[at] == '.' ? ReadPrecision(text, ref at) : -1;
        char kind = at < text.Length ? text[at++] : '\0';
        if (at != text.Length)
            throw new TemplateFault($"format: the specification '{text}' is not known");
        return (new NumberFormat(fill, side, sign, hasCommas, width, precision), kind);
    }

    /// <summary>Writes a value; '\0' is the kind that the value has.</summary>
    public void Write(Value value, char kind, TextBuffer result)
    {
        (string sign, string digits) = kind switch
        {
            's' => ("", Cut(value.ToText(result.Budget))),
            'r' => ("", Cut(Represent(value, result.Budget))),
            'd' or 'i' or 'u' => Whole(value, static number => number.ToString(CultureInfo.InvariantCulture)),
            'x' => Whole(value, static number =>
                number.ToString("x", CultureInfo.InvariantCulture).TrimStart('0') is { Length: > 0 } hex ? hex : "0"),
            'f' or 'F' => Fixed(value, Precision < 0 ? 6 : Precision),
            '%' => Fixed(new FloatValue(Real(value) * 100), Precision < 0 ? 6 : Precision) is var (s, d) ? (s, d + "%") : default,
            '\0' when value is IntegerValue and not BooleanValue =>
                Whole(value, static number => number.ToString(CultureInfo.InvariantCulture)),
            '\0' when value is not FloatValue => ("", Cut(value.ToText(result.Budget))),
            '\0' when Precision < 0 => Signed(((FloatValue)value).Real, NumberValue.Write(Math.Abs(((FloatValue)value).Real))),
            _ => throw new TemplateFault($"format: the kind '{kind}' is not known"),
        };
        if (HasCommas)
            digits = WithCommas(digits);
        int missing = Math.Max(0, Width - CodePoints.Count(digits) - sign.Length);
        bool isText = kind is 's' or 'r' || (kind == '\0' && value is not NumberValue);
        char fill = isText && Side == '=' ? ' ' : Fill, side = isText && Side == '=' ? '>' : Side;
        int left = side switch { '<' => 0, '^' => missing / 2, _ => missing };
        if (side == '=')
            result.Append(sign).Append(fill, left).Append(digits);
        else
            result.Append(fill, left).Append(sign).Append(digits).Append(fill, missing - left);
    }

    private (string, string) Whole(Value value, Func<BigInteger, string> write)
    {
        BigInteger number = value switch
        {
            IntegerValue integer => integer.Number,
            FloatValue { Real: var real } when double.IsFinite(real) => new BigInteger(real),
            _ => throw new TemplateFault($"format: a number is needed, but {value.Shown} is given"),
        };
        return (SignOf(number < 0), write(BigInteger.Abs(number)));
    }

    private (string, string) Fixed(Value value, int decimals) => Real(value) is var real && double.IsFinite(real)
        ? Signed(real, Rounding.Fixed(Math.Abs(real), decimals)) : (SignOf(real < 0), double.IsNaN(real) ? "nan" : "inf");

    private (string, string) Signed(double real, string digits) => (SignOf(double.IsNegative(real)), digits);

    private static double Real(Value value) => value is NumberValue number ? number.Real
        : throw new TemplateFault($"format: a number is needed, but {value.Shown} is given");

    private string SignOf(bool isNegative) => isNegative ? "-" : Sign is '+' or ' ' ? Sign.ToString() : "";

    private string Cut(string text) => Precision >= 0 ? TextParts.Cut(text, 0, Precision) : text;

    private static string Represent(Value value, Budget budget)
    {
        TextBuffer buffer = new(budget);
        value.WriteRepresentation(buffer);
        return buffer.ToString();
    }

    private static string WithCommas(string digits)
    {
        int point = digits.IndexOf('.', StringComparison.Ordinal), end = point < 0 ? digits.Length : point;
        for (int at = end - 3; at > 0; at -= 3)
            digits = digits.Insert(at, ",");
        return digits;
    }

    private static int ReadPrecision(string text, ref int at)
    {
        at++;
        return ReadNumber(text, ref at, 0);
    }

    private static int ReadNumber(string text, ref int at, int other)
    {
        int begin = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
        if (at == begin)
            return other;
        return int.TryParse(text.AsSpan(begin, at - begin), CultureInfo.InvariantCulture, out int number) && number <= Widest ? number
            : throw new TemplateFault($"format: a width may be at most {Widest}, but is {text.AsSpan(begin, Math.Min(20, at - begin))}");
    }
}
