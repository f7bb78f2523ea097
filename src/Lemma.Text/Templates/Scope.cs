using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates;

/// <summary>Variables of a block; a block sees those around it and sets its own.</summary>
internal sealed class Scope(Scope? outer)
{
    private readonly Dictionary<string, Value> variables = new(StringComparer.Ordinal);

    public void Set(string name, Value value) => variables[name] = value;

    public Value? Find(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
            if (scope.variables.TryGetValue(name, out Value? value))
                return value;
        return null;
    }

    private Scope? Outer => outer;
}
