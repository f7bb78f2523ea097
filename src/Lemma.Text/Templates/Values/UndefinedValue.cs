namespace Lemma.Text.Templates.Values;

/// <summary>What a name, an attribute or an element is that does not exist: empty and false; whatever else is done with it is an
/// error.</summary>
internal sealed class UndefinedValue(string reason) : Value
{
    /// <summary>What does not exist.</summary>
    public string Reason => reason;

    public override string Kind => "Undefined";

    public override bool IsTrue => false;

    public override int? Length => 0;

    public override IEnumerable<Value>? Elements => [];

    public override void WriteText(TextBuffer buffer)
    {
    }

    public override void WriteRepresentation(TextBuffer buffer) => buffer.Append("Undefined");

    public override bool IsEqual(Value other, Budget budget) => other is UndefinedValue;

    public override Value? ElementAt(Value key, Budget budget) => throw new TemplateFault(reason);

    public override Value? Attribute(string name) => throw new TemplateFault(reason);
}
