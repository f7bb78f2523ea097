namespace Lemma.Text.Templates.Values;

/// <summary>A number with a point.</summary>
internal sealed class FloatValue(double number) : NumberValue
{
    public override string Kind => "float";

    public override double Real => number;

    public override void WriteRepresentation(TextBuffer buffer) => buffer.Append(Write(number));
}
