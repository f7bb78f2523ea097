using System.Numerics;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>+ - * / // % ** as Python computes them.</summary>
internal static class Arithmetic
{
    // A double holds every whole number of so many bits.
    private const int ExactBits = 53;

    public static Value Compute(string symbol, Value left, Value right, RenderContext context)
    {
        if (left is UndefinedValue first)
            throw new TemplateFault(first.Reason);
        if (right is UndefinedValue second && !(symbol == "%" && left is StringValue))
            throw new TemplateFault(second.Reason);
        if (symbol == "%" && left is StringValue format)
            return context.Text(PercentFormat.Apply(format.Text, right, context.Budget));
        if (left is NumberValue one && right is NumberValue two)
            return Numbers(symbol, one, two);
        return (symbol, left, right) switch
        {
            ("+", StringValue a, StringValue b) => Join(a, b, context),
            ("+", SequenceValue a, SequenceValue b) when a.IsTuple == b.IsTuple => Repeat([a, b], 1, a.IsTuple, context),
            ("*", StringValue a, IntegerValue n) => Repeat(a.Text, n.Clamped, context),
            ("*", IntegerValue n, StringValue a) => Repeat(a.Text, n.Clamped, context),
            ("*", SequenceValue a, IntegerValue n) => Repeat([a], n.Clamped, a.IsTuple, context),
            ("*", IntegerValue n, SequenceValue a) => Repeat([a], n.Clamped, a.IsTuple, context),
            _ => throw new TemplateFault($"'{symbol}' does not go with {left.Shown} and {right.Shown}"),
        };
    }

    public static Value Negate(Value value) => value switch
    {
        IntegerValue integer => IntegerValue.Of(-integer.Number),
        FloatValue real => new FloatValue(-real.Real),
        UndefinedValue undefined => throw new TemplateFault(undefined.Reason),
        _ => throw new TemplateFault($"'-' needs a number, but has {value.Shown}"),
    };

    public static Value Plus(Value value) => value switch
    {
        IntegerValue integer => new IntegerValue(integer.Number),
        FloatValue => value,
        UndefinedValue undefined => throw new TemplateFault(undefined.Reason),
        _ => throw new TemplateFault($"'+' needs a number, but has {value.Shown}"),
    };

    private static NumberValue Numbers(string symbol, NumberValue left, NumberValue right)
    {
        if (symbol is "/" or "//" or "%" && right.Real == 0)
            throw new TemplateFault($"'{symbol}' needs a divisor that is not 0, but has 0");
        if (symbol != "/" && left is IntegerValue { Number: var a } && right is IntegerValue { Number: var b }
            && !(symbol == "**" && b.Sign < 0))
        {
            return IntegerValue.Of(symbol switch
            {
                "+" => a + b,
                "-" => a - b,
                "*" => a * b,
                "//" => (a / b) - (!(a % b).IsZero && (a.Sign < 0) != (b.Sign < 0) ? 1 : 0),
                "%" => a % b is var rest && !rest.IsZero && (rest.Sign < 0) != (b.Sign < 0) ? rest + b : rest,
                _ => Power(a, b),
            });
        }
        if (symbol == "/" && left is IntegerValue { Number: var over } && right is IntegerValue { Number: var under }
            && (over.GetBitLength() > ExactBits || under.GetBitLength() > ExactBits))
            return new FloatValue(Finite(symbol, Quotient(over, under)));
        double x = Finite(symbol, left), y = Finite(symbol, right);
        if (symbol == "**" && ((x < 0 && y != Math.Floor(y)) || (x == 0 && y < 0)))
            throw new TemplateFault($"'**' needs a result that is a real number, "
                + $"but is given {NumberValue.Write(x)} and {NumberValue.Write(y)}");
        return new FloatValue(symbol switch
        {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            "/" => x / y,
            "//" => Math.Round((x - Modulo(x, y)) / y),
            "%" => Modulo(x, y),
            _ => Math.Pow(x, y),
        });
    }

    private static double Modulo(double x, double y)
    {
        double rest = x % y;
        return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest == 0 ? Math.CopySign(0, y) : rest;
    }

    private static BigInteger Power(BigInteger a, BigInteger b)
    {
        if (a.IsZero || a.IsOne || a == BigInteger.MinusOne)
            return b.IsZero || (a == BigInteger.MinusOne && b.IsEven) ? 1 : a;
        // Checked before it is computed: 2 ** 10000000000 would take gigabytes.
        return b * (a.GetBitLength() - 1) <= 4 * IntegerValue.Digits ? BigInteger.Pow(a, (int)b) : throw IntegerValue.TooLong();
    }

    // Rounded once, as Python divides: 66 bits of the quotient, the last one set where something is left over.
    private static double Quotient(BigInteger a, BigInteger b)
    {
        int shift = (int)Math.Max(0, 66 - (a.GetBitLength() - b.GetBitLength()));
        BigInteger quotient = BigInteger.DivRem(a << shift, b, out BigInteger rest);
        return Math.ScaleB(new IntegerValue(!rest.IsZero && quotient.IsEven ? quotient + a.Sign * b.Sign : quotient).Real, -shift);
    }

    private static double Finite(string symbol, NumberValue value) => value is FloatValue ? value.Real : Finite(symbol, value.Real);

    private static double Finite(string symbol, double real) => double.IsFinite(real) ? real
        : throw new TemplateFault($"'{symbol}' needs whole numbers that a number with a point can hold, but has a larger one");

    private static StringValue Join(StringValue left, StringValue right, RenderContext context)
    {
        bool isMarkup = left.IsMarkup || right.IsMarkup;
        string Part(StringValue part) => isMarkup && !part.IsMarkup ? TextFilters.Escape(part.Text, context.Budget) : part.Text;
        context.Budget.UseText((long)left.Text.Length + right.Text.Length);
        return new StringValue(Part(left) + Part(right), isMarkup);
    }

    private static StringValue Repeat(string text, long count, RenderContext context)
    {
        count = text.Length == 0 ? 0 : Math.Clamp(count, 0, int.MaxValue);
        context.Budget.UseText(count * text.Length);
        return new StringValue(count == 1 ? text : new System.Text.StringBuilder().Insert(0, text, (int)count).ToString());
    }

    private static SequenceValue Repeat(SequenceValue[] parts, long count, bool isTuple, RenderContext context)
    {
        int size = parts.Sum(static part => part.Items.Count);
        count = size == 0 ? 0 : Math.Clamp(count, 0, int.MaxValue);
        context.Budget.Use(count * size);
        List<Value> items = new((int)(count * size));
        for (long i = 0; i < count; i++)
            foreach (SequenceValue part in parts)
                items.AddRange(part.Items);
        return new SequenceValue(items, isTuple);
    }
}
