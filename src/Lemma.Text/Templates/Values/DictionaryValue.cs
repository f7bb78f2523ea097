using System.Numerics;
using Lemma.Text.Templates.Builtins;

namespace Lemma.Text.Templates.Values;

/// <summary>A dictionary in the order of insertion; keys are texts, numbers, true, false and none.</summary>
internal sealed class DictionaryValue : Value
{
    private readonly Dictionary<object, int> places = [];
    private readonly List<(Value Key, Value Value)> items = [];

    public IReadOnlyList<(Value Key, Value Value)> Items => items;

    public override string Kind => "dict";

    public override bool IsTrue => items.Count > 0;

    public override int? Length => items.Count;

    public override IEnumerable<Value>? Elements => items.Select(static item => item.Key);

    /// <summary>Adds an element, or replaces that of an equal key; only while the dictionary is made.</summary>
    public void Add(Value key, Value value)
    {
        object place = KeyOf(key) ?? throw new TemplateFault($"a key must be a text, a number, true, false or none, but is {key.Shown}");
        if (places.TryAdd(place, items.Count))
            items.Add((key, value));
        else
            items[places[place]] = (items[places[place]].Key, value);
    }

    /// <summary>The element of a key, or null.</summary>
    public Value? Find(Value key) => KeyOf(key) is object place && places.TryGetValue(place, out int at) ? items[at].Value : null;

    public override void WriteRepresentation(TextBuffer buffer)
    {
        buffer.Budget.Enter();
        buffer.Append('{');
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0)
                buffer.Append(", ");
            items[i].Key.WriteRepresentation(buffer);
            buffer.Append(": ");
            items[i].Value.WriteRepresentation(buffer);
        }
        buffer.Append('}');
        buffer.Budget.Leave();
    }

    public override bool IsEqual(Value other, Budget budget)
    {
        if (ReferenceEquals(this, other))
            return true;
        if (other is not DictionaryValue dictionary || dictionary.items.Count != items.Count)
            return false;
        budget.Enter();
        budget.Use(items.Count);
        bool isEqual = items.TrueForAll(item => dictionary.Find(item.Key) is Value value
            && (ReferenceEquals(value, item.Value) || value.IsEqual(item.Value, budget)));
        budget.Leave();
        return isEqual;
    }

    public override bool Contains(Value item, Budget budget) => item is SequenceValue or DictionaryValue
        ? throw new TemplateFault($"a key must be a text, a number, true, false or none, but is {item.Shown}") : Find(item) is not null;

    public override Value? ElementAt(Value key, Budget budget) => Find(key);

    public override Value? Attribute(string name) => DictionaryMethods.Find(this, name);

    // Numbers that are equal are one key, whatever their kind.
    private static object? KeyOf(Value key) => key switch
    {
        StringValue text => text.Text,
        IntegerValue integer => integer.Number,
        FloatValue { Real: var real } => real == Math.Floor(real) && double.IsFinite(real) ? (object)new BigInteger(real) : real,
        NoneValue => key,
        _ => null,
    };
}
