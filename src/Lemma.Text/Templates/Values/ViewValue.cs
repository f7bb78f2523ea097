namespace Lemma.Text.Templates.Values;

/// <summary>What keys(), values() and items() of a dictionary give: elements with a number, without indices.</summary>
internal sealed class ViewValue(string kind, IReadOnlyList<Value> items) : Value
{
    public override string Kind => kind;

    public override bool IsTrue => items.Count > 0;

    public override int? Length => items.Count;

    public override IEnumerable<Value>? Elements => items;

    public override void WriteRepresentation(TextBuffer buffer)
    {
        buffer.Append(kind).Append('(');
        new SequenceValue(items).WriteRepresentation(buffer);
        buffer.Append(')');
    }
}
