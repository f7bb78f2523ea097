namespace Lemma.Text.Templates.Values;

/// <summary>cycler(): values that are given out in turn.</summary>
internal sealed class CyclerValue(IReadOnlyList<Value> items) : Value
{
    private int at;

    public override string Kind => "Cycler";

    public override Value? Attribute(string name) => name switch
    {
        "current" => Current(),
        "next" => new FunctionValue(name, (context, arguments) =>
        {
            Value current = Current();
            at = (at + 1) % items.Count;
            return current;
        }),
        "reset" => new FunctionValue(name, (context, arguments) =>
        {
            at = 0;
            return NoneValue.Instance;
        }),
        _ => null,
    };

    private Value Current() => items.Count > 0 ? items[at]
        : throw new TemplateFault("cycler: at least one value is needed, but there is none");
}
