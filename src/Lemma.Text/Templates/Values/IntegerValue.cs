using System.Globalization;

namespace Lemma.Text.Templates.Values;

/// <summary>A whole number of 64 bits.</summary>
internal class IntegerValue(long number) : NumberValue
{
    public long Number => number;

    public override string Kind => "int";

    public override double Real => number;

    public override void WriteRepresentation(TextBuffer buffer) => buffer.Append(number.ToString(CultureInfo.InvariantCulture));
}
