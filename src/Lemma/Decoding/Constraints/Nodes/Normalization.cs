namespace Lemma.Decoding.Constraints.Nodes;

/// <summary>Makes rules fit to be run: what matches nothing is taken out, repetitions repeat what has bytes, and no rule begins with itself.</summary>
internal sealed class Normalization
{
    private readonly GrammarRules rules;
    private readonly List<bool> nullable = [];
    private readonly Dictionary<int, int> withBytes = [];
    private int nodes;

    private Normalization(GrammarRules rules) => this.rules = rules;

    /// <summary>The rules as they are run; the root keeps its number.</summary>
    /// <exception cref="GrammarException">No text matches, a rule begins with itself, or there is too much.</exception>
    public static GrammarRules Of(GrammarRules source, int root)
    {
        Normalization work = new(source.Copy());
        GrammarRules rules = work.rules;
        for (int rule = 0; rule < rules.Count; rule++)
            work.Count(rules[rule]);
        bool[] productive = work.Fixpoint(static (node, known) => Matches(node, known));
        if (!productive[root])
            throw new GrammarException($"grammar: some text must match, but none matches '{rules.NameOf(root)}'");
        for (int rule = 0; rule < rules.Count; rule++)
            rules[rule] = Pruned(rules[rule], productive);
        work.nullable.AddRange(work.Fixpoint(static (node, known) => IsEmpty(node, known)));
        for (int rule = 0; rule < rules.Count; rule++)
            rules[rule] = work.Repeated(rules[rule]);
        work.RefuseLeftRecursion();
        return rules;
    }

    private void Count(GrammarNode node)
    {
        if (++nodes > rules.Limits.MaximumPositions)
            throw new GrammarException($"grammar: there may be at most {rules.Limits.MaximumPositions} parts, but there are more");
        foreach (GrammarNode part in PartsOf(node))
            Count(part);
    }

    private static IReadOnlyList<GrammarNode> PartsOf(GrammarNode node) => node switch
    {
        SequenceNode sequence => sequence.Parts,
        ChoiceNode choice => choice.Choices,
        RepeatNode repeat => [repeat.Body],
        _ => [],
    };

    // The least set of rules that hold, where a rule holds by those that do.
    private bool[] Fixpoint(Func<GrammarNode, bool[], bool> holds)
    {
        List<int>[] users = new List<int>[rules.Count];
        for (int rule = 0; rule < rules.Count; rule++)
            foreach (int used in RulesOf(rules[rule]))
                (users[used] ??= []).Add(rule);
        bool[] known = new bool[rules.Count];
        Queue<int> open = new(Enumerable.Range(0, rules.Count));
        while (open.TryDequeue(out int rule))
        {
            if (known[rule] || !holds(rules[rule], known))
                continue;
            known[rule] = true;
            foreach (int user in users[rule] ?? [])
                if (!known[user])
                    open.Enqueue(user);
        }
        return known;
    }

    private static HashSet<int> RulesOf(GrammarNode node)
    {
        HashSet<int> found = [];
        void Add(GrammarNode part)
        {
            if (part is RuleNode rule)
                found.Add(rule.Rule);
            foreach (GrammarNode inner in PartsOf(part))
                Add(inner);
        }
        Add(node);
        return found;
    }

    private static bool Matches(GrammarNode node, bool[] known) => node switch
    {
        ByteNode bytes => !bytes.Bytes.IsEmpty,
        SequenceNode sequence => sequence.Parts.All(part => Matches(part, known)),
        ChoiceNode choice => choice.Choices.Any(part => Matches(part, known)),
        RepeatNode repeat => repeat.Least == 0 || Matches(repeat.Body, known),
        RuleNode rule => known[rule.Rule],
        _ => true,
    };

    private static bool IsEmpty(GrammarNode node, IReadOnlyList<bool> known) => node switch
    {
        SequenceNode sequence => sequence.Parts.All(part => IsEmpty(part, known)),
        ChoiceNode choice => choice.Choices.Any(part => IsEmpty(part, known)),
        RepeatNode repeat => repeat.Least == 0 || IsEmpty(repeat.Body, known),
        RuleNode rule => known[rule.Rule],
        _ => false,
    };

    private static GrammarNode Pruned(GrammarNode node, bool[] productive)
    {
        switch (node)
        {
            case ByteNode { Bytes.IsEmpty: true }:
                return GrammarNode.Never;
            case RuleNode rule:
                return productive[rule.Rule] ? node : GrammarNode.Never;
            case SequenceNode sequence:
                GrammarNode[] parts = [.. sequence.Parts.Select(part => Pruned(part, productive))];
                return Array.Exists(parts, static part => ReferenceEquals(part, GrammarNode.Never)) ? GrammarNode.Never : GrammarNode.Sequence(parts);
            case ChoiceNode choice:
                GrammarNode[] choices = [.. choice.Choices.Select(part => Pruned(part, productive))
                    .Where(static part => !ReferenceEquals(part, GrammarNode.Never))];
                return choices.Length == 0 ? GrammarNode.Never : GrammarNode.Choice(choices);
            case RepeatNode repeat:
                GrammarNode body = Pruned(repeat.Body, productive);
                return !ReferenceEquals(body, GrammarNode.Never) ? new RepeatNode(body, repeat.Least, repeat.Most)
                    : repeat.Least == 0 ? GrammarNode.Nothing : GrammarNode.Never;
            default:
                return node;
        }
    }

    // A repetition of what may be empty is one of what is not, as often as one likes up to the most.
    private GrammarNode Repeated(GrammarNode node)
    {
        switch (node)
        {
            case SequenceNode sequence:
                return GrammarNode.Sequence([.. sequence.Parts.Select(Repeated)]);
            case ChoiceNode choice:
                return GrammarNode.Choice([.. choice.Choices.Select(Repeated)]);
            case RepeatNode { Most: 0 }:
                return GrammarNode.Nothing;
            case RepeatNode repeat when IsEmpty(repeat.Body, nullable):
                GrammarNode body = WithBytes(repeat.Body);
                return ReferenceEquals(body, GrammarNode.Never) ? GrammarNode.Nothing : new RepeatNode(body, 0, repeat.Most);
            case RepeatNode repeat:
                return new RepeatNode(Repeated(repeat.Body), repeat.Least, repeat.Most);
            default:
                return node;
        }
    }

    // The texts of a part but the empty one; repetitions inside are made fit too.
    private GrammarNode WithBytes(GrammarNode node)
    {
        if (++nodes > rules.Limits.MaximumPositions)
            throw new GrammarException($"grammar: there may be at most {rules.Limits.MaximumPositions} parts, but there are more");
        if (!IsEmpty(node, nullable))
            return Repeated(node);
        switch (node)
        {
            case ChoiceNode choice:
                return Chosen([.. choice.Choices.Select(WithBytes)]);
            case RepeatNode repeat:
                GrammarNode body = IsEmpty(repeat.Body, nullable) ? WithBytes(repeat.Body) : Repeated(repeat.Body);
                return repeat.Most == 0 || ReferenceEquals(body, GrammarNode.Never) ? GrammarNode.Never : new RepeatNode(body, 1, repeat.Most);
            case RuleNode rule:
                if (!withBytes.TryGetValue(rule.Rule, out int other))
                {
                    withBytes[rule.Rule] = other = rules.Add(rules.NameOf(rule.Rule));
                    nullable.Add(false);
                    rules[other] = WithBytes(rules[rule.Rule]);
                }
                return new RuleNode(other);
            case SequenceNode sequence:
                List<GrammarNode> choices = [];
                for (int i = 0; i < sequence.Parts.Count; i++)
                {
                    GrammarNode first = WithBytes(sequence.Parts[i]);
                    if (!ReferenceEquals(first, GrammarNode.Never))
                        choices.Add(GrammarNode.Sequence([first, .. sequence.Parts.Skip(i + 1).Select(Repeated)]));
                    nodes += sequence.Parts.Count - i;
                }
                return Chosen(choices);
            default:
                return GrammarNode.Never;
        }
    }

    private static GrammarNode Chosen(IEnumerable<GrammarNode> choices)
    {
        GrammarNode[] some = [.. choices.Where(static part => !ReferenceEquals(part, GrammarNode.Never))];
        return some.Length == 0 ? GrammarNode.Never : GrammarNode.Choice(some);
    }

    private void RefuseLeftRecursion()
    {
        HashSet<int>[] first = new HashSet<int>[rules.Count];
        int[] users = new int[rules.Count];
        for (int rule = 0; rule < rules.Count; rule++)
        {
            first[rule] = [];
            AddFirst(rules[rule], first[rule]);
            foreach (int used in first[rule])
                users[used]++;
        }
        Stack<int> open = new(Enumerable.Range(0, rules.Count).Where(rule => users[rule] == 0));
        int done = 0;
        for (; open.TryPop(out int rule); done++)
            foreach (int used in first[rule])
                if (--users[used] == 0)
                    open.Push(used);
        if (done == rules.Count)
            return;
        // Rules that are left are in a cycle or behind one: from any of them back to one that was there.
        int at = Array.FindIndex(users, static count => count > 0);
        HashSet<int> seen = [];
        while (seen.Add(at))
            at = Enumerable.Range(0, rules.Count).First(rule => users[rule] > 0 && first[rule].Contains(at));
        throw new GrammarException($"grammar: a rule must not begin with itself (left recursion), but '{rules.NameOf(at)}' does");
    }

    // The rules that a part may begin with before any byte.
    private bool AddFirst(GrammarNode node, HashSet<int> found)
    {
        switch (node)
        {
            case RuleNode rule:
                found.Add(rule.Rule);
                return nullable[rule.Rule];
            case SequenceNode sequence:
                foreach (GrammarNode part in sequence.Parts)
                    if (!AddFirst(part, found))
                        return false;
                return true;
            case ChoiceNode choice:
                bool any = false;
                foreach (GrammarNode part in choice.Choices)
                    any |= AddFirst(part, found);
                return any;
            case RepeatNode repeat:
                return AddFirst(repeat.Body, found) | repeat.Least == 0;
            default:
                return false;
        }
    }
}
