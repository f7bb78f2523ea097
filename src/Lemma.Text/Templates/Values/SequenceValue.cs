using Lemma.Text.Templates.Builtins;

namespace Lemma.Text.Templates.Values;

/// <summary>A list or a tuple.</summary>
internal sealed class SequenceValue : Value
{
    private readonly IReadOnlyList<string>? names;

    /// <param name="items">The elements, which nobody changes any more.</param>
    /// <param name="isTuple">Whether it is a tuple.</param>
    /// <param name="names">Names of a tuple's elements.</param>
    public SequenceValue(IReadOnlyList<Value> items, bool isTuple = false, IReadOnlyList<string>? names = null) =>
        (Items, IsTuple, this.names) = (items, isTuple, names);

    public IReadOnlyList<Value> Items { get; }

    public bool IsTuple { get; }

    public override string Kind => IsTuple ? "tuple" : "list";

    public override bool IsTrue => Items.Count > 0;

    public override int? Length => Items.Count;

    public override IEnumerable<Value>? Elements => Items;

    public override void WriteRepresentation(TextBuffer buffer)
    {
        buffer.Budget.Enter();
        buffer.Append(IsTuple ? '(' : '[');
        for (int i = 0; i < Items.Count; i++)
        {
            if (i > 0)
                buffer.Append(", ");
            Items[i].WriteRepresentation(buffer);
        }
        if (IsTuple && Items.Count == 1)
            buffer.Append(',');
        buffer.Append(IsTuple ? ')' : ']');
        buffer.Budget.Leave();
    }

    public override bool IsEqual(Value other, Budget budget)
    {
        if (ReferenceEquals(this, other))
            return true;
        if (other is not SequenceValue sequence || sequence.IsTuple != IsTuple || sequence.Items.Count != Items.Count)
            return false;
        budget.Enter();
        budget.Use(Items.Count);
        bool isEqual = true;
        for (int i = 0; i < Items.Count && isEqual; i++)
            isEqual = ReferenceEquals(Items[i], sequence.Items[i]) || Items[i].IsEqual(sequence.Items[i], budget);
        budget.Leave();
        return isEqual;
    }

    public override Value? ElementAt(Value key, Budget budget)
    {
        if (key is not IntegerValue index)
            return null;
        long at = index.Clamped < 0 ? index.Clamped + Items.Count : index.Clamped;
        return at >= 0 && at < Items.Count ? Items[(int)at] : null;
    }

    public override Value? Attribute(string name)
    {
        for (int i = 0; i < (names?.Count ?? 0); i++)
            if (names![i] == name)
                return Items[i];
        return SequenceMethods.Find(this, name);
    }
}
