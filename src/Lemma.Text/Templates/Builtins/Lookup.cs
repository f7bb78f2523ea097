using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>x.name, x[key] and x[from:to:step].</summary>
internal static class Lookup
{
    /// <summary>x.name: an attribute or method, or else the element of that key.</summary>
    public static Value Attribute(Value value, string name, Budget budget) =>
        value.Attribute(name) ?? value.ElementAt(new StringValue(name), budget) ?? Missing(value, name);

    /// <summary>x[key]: an element, or else the attribute of that name.</summary>
    public static Value Element(Value value, Value key, Budget budget) =>
        value.ElementAt(key, budget) ?? (key is StringValue name ? value.Attribute(name.Text) ?? Missing(value, name.Text)
            : new UndefinedValue($"{value.Shown} has no element {Shown(key)}"));

    /// <summary>x[from:to:step] as Python cuts.</summary>
    public static Value Slice(Value value, long? from, long? to, long? step, Budget budget)
    {
        long stride = Math.Clamp(step ?? 1, -int.MaxValue, int.MaxValue);
        if (stride == 0)
            throw new TemplateFault("a slice must have a step that is not 0, but has 0");
        if (value is UndefinedValue undefined)
            throw new TemplateFault(undefined.Reason);
        if (value is StringValue text)
        {
            budget.UseText(text.Text.Length);
            int[] places = CodePoints.Places(text.Text);
            IEnumerable<int> chosen = Indices(places.Length - 1, from, to, stride);
            return new StringValue(stride == 1 && chosen.FirstOrDefault(-1) is >= 0 and int first
                ? text.Text[places[first]..places[chosen.Last() + 1]]
                : string.Concat(chosen.Select(i => text.Text[places[i]..places[i + 1]])));
        }
        if (value is SequenceValue or RangeValue)
        {
            IReadOnlyList<Value> items = value is SequenceValue sequence ? sequence.Items : [.. value.Iterate()];
            budget.Use(items.Count);
            return new SequenceValue([.. Indices(items.Count, from, to, stride).Select(i => items[i])],
                value is SequenceValue { IsTuple: true });
        }
        return new UndefinedValue($"{value.Shown} has no slices");
    }

    private static UndefinedValue Missing(Value value, string name) => new UndefinedValue($"{value.Shown} has no attribute '{name}'");

    private static IEnumerable<int> Indices(int count, long? from, long? to, long stride)
    {
        long lowest = stride < 0 ? -1 : 0, highest = stride < 0 ? count - 1 : count;
        long Bound(long? given, long other)
        {
            if (given is not long bound)
                return other;
            return Math.Clamp(bound < 0 ? bound + count : bound, lowest, highest);
        }
        long begin = Bound(from, stride < 0 ? highest : 0), end = Bound(to, stride < 0 ? -1 : highest);
        for (long i = begin; stride > 0 ? i < end : i > end; i += stride)
            yield return (int)i;
    }

    private static string Shown(Value key) => key is IntegerValue integer ? $"{integer.Number}" : $"of the key {key.Shown}";
}
