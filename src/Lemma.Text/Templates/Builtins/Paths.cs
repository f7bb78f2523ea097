using System.Globalization;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>The attribute that filters name: "a", "a.b", "a.0", or an index.</summary>
internal static class Paths
{
    /// <summary>What gets the attribute of a value; the value itself where none is named.</summary>
    public static Func<Value, Value> Getter(Value? path, Value? other, Budget budget)
    {
        Value[] parts = path switch
        {
            null or NoneValue => [],
            StringValue text => [.. text.Text.Split('.').Select(Part)],
            _ => [path],
        };
        return value =>
        {
            foreach (Value part in parts)
            {
                value = Lookup.Element(value, part, budget);
                if (value is UndefinedValue && other is not null and not NoneValue)
                    value = other;
            }
            return value;
        };
    }

    /// <summary>What gets the key of sorting: one attribute, or several behind commas.</summary>
    public static Func<Value, Value> KeyGetter(Value? path, bool keepsCase, Budget budget)
    {
        if (path is not StringValue text)
            return value => Folded(Getter(path, null, budget)(value), keepsCase);
        Func<Value, Value>[] getters = [.. text.Text.Split(',').Select(part => Getter(new StringValue(part), null, budget))];
        return value => new SequenceValue([.. getters.Select(getter => Folded(getter(value), keepsCase))]);
    }

    /// <summary>A text in lower case, unless case counts; everything else as it is.</summary>
    public static Value Folded(Value value, bool keepsCase) =>
        value is StringValue text && !keepsCase ? new StringValue(LetterCase.Lower(text.Text)) : value;

    private static Value Part(string name) => name.Length > 0 && name.All(char.IsAsciiDigit)
        && long.TryParse(name, CultureInfo.InvariantCulture, out long index) ? new IntegerValue(index) : new StringValue(name);
}
