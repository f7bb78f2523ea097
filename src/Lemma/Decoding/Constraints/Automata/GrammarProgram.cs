using Lemma.Decoding.Constraints.Nodes;

namespace Lemma.Decoding.Constraints.Automata;

/// <summary>A grammar as places of a pushdown automaton. Symbols are the 256 bytes, then the special tokens that it names, then any other one.</summary>
internal sealed class GrammarProgram
{
    /// <summary>The place that every rule ends in.</summary>
    public const int Return = 0;

    // So many places at most are written out for a repetition; a longer one counts.
    private const int Unrolled = 24;

    private readonly List<Position> positions = [new ReturnPosition()];
    private readonly Dictionary<(GrammarNode, int), int> known = [];
    private readonly GrammarRules rules;
    private readonly Func<TokenNode, int> symbolOf;
    private readonly int[] entries;
    private readonly Queue<int> open = new();
    private readonly int others;
    private readonly Func<TokenNode, GrammarNode?> textOf;

    /// <summary>Writes the automaton of rules that were made fit.</summary>
    /// <param name="rules">The rules.</param>
    /// <param name="root">The one that a text matches.</param>
    /// <param name="tokens">How many special tokens it names.</param>
    /// <param name="symbolOf">The symbol of a named one.</param>
    /// <param name="textOf">What stands for a named one that is none; null where it is one.</param>
    public GrammarProgram(GrammarRules rules, int root, int tokens = 0, Func<TokenNode, int>? symbolOf = null, Func<TokenNode, GrammarNode?>? textOf = null)
    {
        (this.rules, others) = (rules, 256 + tokens);
        this.symbolOf = symbolOf ?? (static _ => -1);
        this.textOf = textOf ?? (static token => GrammarNode.Text(token.Content ?? ""));
        entries = new int[rules.Count];
        Array.Fill(entries, -1);
        Start = EntryOf(root);
        while (open.TryDequeue(out int rule))
            ((SplitPosition)positions[entries[rule]]).Targets = [Write(rules[rule], Return)];
        Positions = [.. positions];
        Classes = MakeClasses();
        // What only the making of it needs is let go.
        known.Clear();
        positions.Clear();
    }

    /// <summary>The places.</summary>
    public Position[] Positions { get; }

    /// <summary>Where a text begins.</summary>
    public int Start { get; }

    /// <summary>The symbol of special tokens without a name.</summary>
    public int OtherTokens => others;

    /// <summary>The class of each symbol: symbols of one class lead to the same places everywhere.</summary>
    public int[] Classes { get; }

    /// <summary>How many classes there are.</summary>
    public int ClassCount { get; private set; }

    /// <summary>A symbol of each class.</summary>
    public int[] Representatives { get; private set; } = [];

    // Where a rule begins; what it says is written when its turn comes.
    private int EntryOf(int rule)
    {
        if (entries[rule] < 0)
        {
            entries[rule] = Add(new SplitPosition());
            open.Enqueue(rule);
        }
        return entries[rule];
    }

    private int Add(Position position)
    {
        if (positions.Count >= rules.Limits.MaximumPositions)
            throw new GrammarException($"grammar: its automaton may have at most {rules.Limits.MaximumPositions} places, but it has more");
        positions.Add(position);
        return positions.Count - 1;
    }

    // The place from which a part leads to what is next.
    private int Write(GrammarNode node, int next)
    {
        if (known.TryGetValue((node, next), out int place))
            return place;
        place = node switch
        {
            ByteNode bytes => Add(new EdgePosition([.. bytes.Bytes.Ranges().Select(range => (range.First, range.Last, next))])),
            LiteralNode literal => WriteLiteral(literal.Bytes, next),
            TokenNode token => textOf(token) is { } text ? Write(text, next) : Add(new EdgePosition([(symbolOf(token), symbolOf(token), next)])),
            OtherTokenNode => Add(new EdgePosition([(others, others, next)])),
            SequenceNode sequence => sequence.Parts.Reverse().Aggregate(next, (after, part) => Write(part, after)),
            ChoiceNode choice => WriteChoice(choice, next),
            RepeatNode repeat => WriteRepeat(repeat, next),
            // A rule at the end of another takes its place on the stack, so that lists by recursion do not grow it.
            RuleNode rule => next == Return ? EntryOf(rule.Rule) : Add(new CallPosition(EntryOf(rule.Rule), next)),
            _ => throw new InvalidOperationException($"grammar: no automaton is known for {node.GetType().Name}"),
        };
        known[(node, next)] = place;
        return place;
    }

    private int WriteLiteral(byte[] bytes, int next)
    {
        for (int i = bytes.Length - 1; i >= 0; i--)
            next = Add(new EdgePosition([(bytes[i], bytes[i], next)]));
        return next;
    }

    // Choices that begin with different bytes are edges of one place.
    private int WriteChoice(ChoiceNode choice, int next)
    {
        List<(int First, int Last, int Target)> edges = [];
        List<int> targets = [];
        ByteSet taken = default;
        foreach (GrammarNode part in choice.Choices)
        {
            int place = Write(part, next);
            if (positions[place] is EdgePosition { Edges: var own } && Array.TrueForAll(own, edge => edge.Last < 256)
                && own.Select(static edge => ByteSet.Range(edge.First, edge.Last)).Aggregate(default(ByteSet), static (x, y) => x.Union(y)) is var set
                && !set.Meets(taken))
            {
                taken = taken.Union(set);
                edges.AddRange(own);
            }
            else
                targets.Add(place);
        }
        if (edges.Count > 0)
            targets.Add(Add(new EdgePosition([.. edges.OrderBy(static edge => edge.First)])));
        return targets.Count == 1 ? targets[0] : Add(new SplitPosition { Targets = [.. targets.Distinct()] });
    }

    private int WriteRepeat(RepeatNode repeat, int next)
    {
        (int least, int? most) = (repeat.Least, repeat.Most);
        if (most is null && least <= 1)
        {
            SplitPosition loop = new();
            int at = Add(loop), start = Write(repeat.Body, at);
            loop.Targets = [start, next];
            return least == 0 ? at : start;
        }
        int times = most ?? least;
        if (times == 1 || (long)times * SizeOf(repeat.Body, Unrolled) <= Unrolled)
        {
            int after = next;
            for (int i = (most ?? least) - 1; i >= 0; i--)
            {
                int start = most is null && i == least - 1 ? WriteRepeat(new RepeatNode(repeat.Body, 1, null), next) : Write(repeat.Body, after);
                after = i < least ? start : Add(new SplitPosition { Targets = [start, next] });
            }
            return after;
        }
        RepeatPosition counted = new(least, most, next);
        int place = Add(counted);
        counted.Body = Write(repeat.Body, Return);
        return place;
    }

    // The places that a part takes, told up to a bound.
    private static int SizeOf(GrammarNode node, int most)
    {
        int size = node switch
        {
            LiteralNode literal => literal.Bytes.Length,
            SequenceNode sequence => Sum(sequence.Parts, most),
            ChoiceNode choice => 1 + Sum(choice.Choices, most),
            RepeatNode repeat => 1 + SizeOf(repeat.Body, most),
            _ => 1,
        };
        return Math.Min(size, most + 1);
    }

    private static int Sum(IReadOnlyList<GrammarNode> parts, int most)
    {
        int sum = 0;
        for (int i = 0; i < parts.Count && sum <= most; i++)
            sum += SizeOf(parts[i], most);
        return sum;
    }

    private int[] MakeClasses()
    {
        bool[] begins = new bool[others + 2];
        foreach (EdgePosition position in Positions.OfType<EdgePosition>())
            foreach ((int first, int last, _) in position.Edges)
                (begins[first], begins[last + 1]) = (true, true);
        int[] classes = new int[others + 1];
        List<int> representatives = [0];
        for (int symbol = 1; symbol <= others; symbol++)
        {
            if (begins[symbol])
                representatives.Add(symbol);
            classes[symbol] = representatives.Count - 1;
        }
        (ClassCount, Representatives) = (representatives.Count, [.. representatives]);
        return classes;
    }
}
