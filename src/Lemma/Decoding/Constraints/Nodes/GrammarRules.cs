namespace Lemma.Decoding.Constraints.Nodes;

/// <summary>The rules of a grammar while it is read: a rule may be named before it is said.</summary>
internal sealed class GrammarRules(GrammarLimits limits)
{
    private readonly List<GrammarNode> bodies = [];
    private readonly List<string> names = [];

    /// <summary>How many there are.</summary>
    public int Count => bodies.Count;

    /// <summary>What a rule says.</summary>
    public GrammarNode this[int rule]
    {
        get => bodies[rule];
        set => bodies[rule] = value;
    }

    /// <summary>What a grammar may take.</summary>
    public GrammarLimits Limits => limits;

    /// <summary>The name that errors give a rule.</summary>
    public string NameOf(int rule) => names[rule];

    /// <summary>A new rule, which says nothing yet.</summary>
    public int Add(string name, GrammarNode? body = null)
    {
        if (bodies.Count >= limits.MaximumRules)
            throw new GrammarException($"grammar: there may be at most {limits.MaximumRules} rules, but there are more");
        bodies.Add(body ?? GrammarNode.Never);
        names.Add(name);
        return bodies.Count - 1;
    }

    /// <summary>The same rules, to be changed.</summary>
    public GrammarRules Copy()
    {
        GrammarRules copy = new(limits);
        copy.bodies.AddRange(bodies);
        copy.names.AddRange(names);
        return copy;
    }
}
