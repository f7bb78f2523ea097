namespace Lemma.Text.Templates.Values;

/// <summary>namespace(): variables that a loop can set for what comes after it.</summary>
internal sealed class NamespaceValue : Value
{
    private readonly Dictionary<string, Value> variables = new(StringComparer.Ordinal);

    public override string Kind => "Namespace";

    public void Set(string name, Value value) => variables[name] = value;

    public override Value? Attribute(string name) => variables.GetValueOrDefault(name);
}
