namespace Lemma.Text.Templates.Values;

/// <summary>true and false; they count as 1 and 0.</summary>
internal sealed class BooleanValue : IntegerValue
{
    public static readonly BooleanValue True = new(1), False = new(0);

    private BooleanValue(int number)
        : base(number)
    {
    }

    public override string Kind => "bool";

    public static BooleanValue Of(bool value) => value ? True : False;

    public override void WriteRepresentation(TextBuffer buffer) => buffer.Append(IsTrue ? "True" : "False");
}
