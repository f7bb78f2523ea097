using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>Which of two values comes first: numbers with numbers, texts with texts by code points, lists element by element.</summary>
internal static class Ordering
{
    /// <summary>== != &lt; &lt;= &gt; &gt;= in and not in.</summary>
    public static bool Holds(string symbol, Value left, Value right, Budget budget)
    {
        switch (symbol)
        {
            case "==":
                return left.IsEqual(right, budget);
            case "!=":
                return !left.IsEqual(right, budget);
            case "in":
                return right.Contains(left, budget);
            case "not in":
                return !right.Contains(left, budget);
            default:
                int order = Compare(left, right, symbol, budget);
                // 2 is a comparison with something that is not a number: never true.
                return order != 2 && symbol switch { "<" => order < 0, "<=" => order <= 0, ">" => order > 0, _ => order >= 0 };
        }
    }

    /// <summary>Negative, 0 or positive; 2 when a number is not a number.</summary>
    public static int Compare(Value left, Value right, string symbol, Budget budget)
    {
        budget.Use(1);
        switch (left, right)
        {
            case (NumberValue one, NumberValue two):
                return one.Compare(two);
            case (StringValue one, StringValue two):
                budget.Use(Math.Min(one.Text.Length, two.Text.Length) / 64);
                return Math.Sign(CodePoints.Compare(one.Text, two.Text));
            case (SequenceValue one, SequenceValue two) when one.IsTuple == two.IsTuple:
                return CompareItems(one, two, symbol, budget);
            case (UndefinedValue undefined, _):
                throw new TemplateFault(undefined.Reason);
            case (_, UndefinedValue undefined):
                throw new TemplateFault(undefined.Reason);
            default:
                throw new TemplateFault($"'{symbol}' needs two numbers, two texts or two lists, but has {left.Shown} and {right.Shown}");
        }
    }

    private static int CompareItems(SequenceValue one, SequenceValue two, string symbol, Budget budget)
    {
        budget.Enter();
        int order = 0;
        for (int i = 0; order == 0 && i < one.Items.Count && i < two.Items.Count; i++)
            if (!ReferenceEquals(one.Items[i], two.Items[i]) && !one.Items[i].IsEqual(two.Items[i], budget))
                order = Compare(one.Items[i], two.Items[i], symbol, budget);
        budget.Leave();
        return order != 0 ? order : one.Items.Count.CompareTo(two.Items.Count);
    }

    /// <summary>A stable sort; the first of equal values stays first, in reverse order too.</summary>
    public static List<Value> Sort(List<Value> values, Func<Value, Value> key, bool isReverse, Budget budget)
    {
        (Value Value, Value Key, int Place)[] items = [.. values.Select((value, place) => (value, key(value), place))];
        try
        {
            Array.Sort(items, (one, two) =>
            {
                int order = Compare(one.Key, two.Key, "<", budget);
                order = order == 2 ? 0 : isReverse ? -order : order;
                return order != 0 ? order : one.Place.CompareTo(two.Place);
            });
        }
        catch (InvalidOperationException error) when (error.InnerException is TemplateFault fault)
        {
            throw new TemplateFault(fault.Message);
        }
        return [.. items.Select(static item => item.Value)];
    }
}
