namespace Lemma.Text.Templates.Values;

/// <summary>none.</summary>
internal sealed class NoneValue : Value
{
    public static readonly NoneValue Instance = new();

    private NoneValue()
    {
    }

    public override string Kind => "NoneType";

    public override bool IsTrue => false;

    public override void WriteRepresentation(TextBuffer buffer) => buffer.Append("None");
}
