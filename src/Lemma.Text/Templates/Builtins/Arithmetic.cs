using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>+ - * / // % ** as Python computes them; whole numbers have 64 bits.</summary>
internal static class Arithmetic
{
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
            ("*", StringValue a, IntegerValue n) => Repeat(a.Text, n.Number, context),
            ("*", IntegerValue n, StringValue a) => Repeat(a.Text, n.Number, context),
            ("*", SequenceValue a, IntegerValue n) => Repeat([a], n.Number, a.IsTuple, context),
            ("*", IntegerValue n, SequenceValue a) => Repeat([a], n.Number, a.IsTuple, context),
            _ => throw new TemplateFault($"'{symbol}' does not go with {left.Shown} and {right.Shown}"),
        };
    }

    public static Value Negate(Value value) => value switch
    {
        IntegerValue integer => new IntegerValue(Whole("-", 0, integer.Number, static (a, b) => a - b)),
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
            && !(symbol == "**" && b < 0))
        {
            return new IntegerValue(symbol switch
            {
                "+" => Whole(symbol, a, b, static (a, b) => a + b),
                "-" => Whole(symbol, a, b, static (a, b) => a - b),
                "*" => Whole(symbol, a, b, static (a, b) => a * b),
                "//" => Whole(symbol, a, b, static (a, b) => (a / b) - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0)),
                "%" => b is -1 ? 0 : a % b is var rest && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest,
                _ => Power(a, b),
            });
        }
        double x = left.Real, y = right.Real;
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

    private static long Power(long a, long b)
    {
        Int128 result = 1;
        if (a is 0 or 1 or -1)
            return b == 0 ? 1 : a == -1 && b % 2 == 0 ? 1 : a;
        for (long i = 0; i < b; i++)
        {
            result *= a;
            if (result > long.MaxValue || result < long.MinValue)
                throw Overflow("**", a, b);
        }
        return (long)result;
    }

    private static long Whole(string symbol, long a, long b, Func<Int128, Int128, Int128> compute)
    {
        Int128 result = compute(a, b);
        return result <= long.MaxValue && result >= long.MinValue ? (long)result : throw Overflow(symbol, a, b);
    }

    private static TemplateFault Overflow(string symbol, long a, long b) =>
        new($"whole numbers must fit into 64 bits, but {a} {symbol} {b} does not");

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
