namespace Lemma.Decoding.Constraints.Automata;

/// <summary>The states and sets of stacks of an automaton that were met, each once. For one thread at a time.</summary>
internal sealed class StateTable(GrammarProgram program, GrammarLimits limits)
{
    private readonly HashSet<AutomatonState> states = new(AutomatonState.Content);
    private readonly HashSet<StackSet> sets = new(StackSet.Content);
    private readonly Dictionary<(int, int), StackSet> unions = [];
    private readonly Dictionary<int, StackSet> reached = [];
    private readonly Queue<int> dirty = new();
    private readonly Dictionary<int, List<(Frame Top, StackSet Below)>> pushed = [];
    private AutomatonState? start;
    private int work;
    private long allWork;
    private long bytes;

    /// <summary>Whether it takes as much memory as it may.</summary>
    public bool IsFull => Interlocked.Read(ref bytes) > limits.CacheBytes;

    /// <summary>How many states there are.</summary>
    public int Count => states.Count;

    /// <summary>Counts memory that its states hold beside.</summary>
    public void AddBytes(long more) => Interlocked.Add(ref bytes, more);

    /// <summary>Where every text begins.</summary>
    public AutomatonState Start
    {
        get
        {
            if (start is null)
            {
                Begin();
                Reach(program.Start, One(hasEmpty: true, []));
                start = Close();
            }
            return start;
        }
    }

    /// <summary>The state behind a symbol; of another table's state too.</summary>
    public AutomatonState Step(AutomatonState state, int symbol)
    {
        Begin();
        Dictionary<StackSet, StackSet>? foreign = ReferenceEquals(state.Table, this) ? null : new(ReferenceEqualityComparer.Instance);
        foreach ((int position, StackSet stacks) in state.Places)
            if (((EdgePosition)program.Positions[position]).Target(symbol) is int target and >= 0)
                Reach(target, foreign is null ? stacks : Own(stacks, foreign));
        return Close();
    }

    /// <summary>The state of the same mask whose counts are no longer told apart than ids of so many bytes can.</summary>
    public AutomatonState Clamp(AutomatonState state, int longest)
    {
        Dictionary<StackSet, StackSet>? foreign = ReferenceEquals(state.Table, this) ? null : new(ReferenceEqualityComparer.Instance);
        work = 0;
        (int, StackSet)[] places = [.. state.Places.Select(place =>
            (place.Position, Clamped(foreign is null ? place.Stacks : Own(place.Stacks, foreign), longest)))];
        return One(places, state.Accepts);
    }

    /// <summary>The places and stacks that were met so far, again and again.</summary>
    public long AllWork => allWork + work;

    private void Begin()
    {
        allWork += work;
        work = 0;
        reached.Clear();
        dirty.Clear();
        pushed.Clear();
    }

    private void Work(int more = 1)
    {
        if ((work += more) > limits.MaximumWork)
            throw new GrammarException($"grammar: a byte may lead to at most {limits.MaximumWork} places and stacks, but it leads to more; "
                + "it is too ambiguous");
    }

    private void Reach(int position, StackSet stacks)
    {
        Work();
        if (!reached.TryGetValue(position, out StackSet? before))
            reached[position] = stacks;
        else
        {
            StackSet both = Union(before, stacks);
            if (ReferenceEquals(both, before))
                return;
            reached[position] = both;
        }
        dirty.Enqueue(position);
    }

    // Goes on from all places that read nothing, until only those that read are left.
    private AutomatonState Close()
    {
        bool accepts = false;
        while (dirty.Count > 0 || pushed.Count > 0)
        {
            if (!dirty.TryDequeue(out int at))
            {
                Flush();
                continue;
            }
            StackSet stacks = reached[at];
            switch (program.Positions[at])
            {
                case SplitPosition split:
                    foreach (int target in split.Targets)
                        Reach(target, stacks);
                    break;
                case CallPosition call:
                    Push(call.Entry, new Frame(call.Next, -1), stacks);
                    break;
                case RepeatPosition repeat:
                    if (repeat.Least == 0)
                        Reach(repeat.Next, stacks);
                    Push(repeat.Body, new Frame(at, 0), stacks);
                    break;
                case ReturnPosition:
                    accepts |= stacks.HasEmpty;
                    foreach ((Frame top, StackSet rest) in stacks.Stacks)
                        Pop(top, rest);
                    break;
                default:
                    break;
            }
        }
        List<(int Position, StackSet Stacks)> places = [];
        foreach ((int position, StackSet stacks) in reached)
            if (program.Positions[position] is EdgePosition)
                places.Add((position, stacks));
        places.Sort(static (x, y) => x.Position.CompareTo(y.Position));
        return One([.. places], accepts);
    }

    private void Pop(Frame top, StackSet rest)
    {
        if (top.Count < 0)
        {
            Reach(top.Position, rest);
            return;
        }
        RepeatPosition repeat = (RepeatPosition)program.Positions[top.Position];
        int done = repeat.Most is null ? Math.Min(top.Count + 1, repeat.Least) : top.Count + 1;
        if (done >= repeat.Least)
            Reach(repeat.Next, rest);
        if (repeat.Most is null || done < repeat.Most)
            Push(repeat.Body, new Frame(top.Position, done), rest);
    }

    private void Push(int position, Frame top, StackSet rest)
    {
        if (rest.Height >= limits.MaximumDepth)
            return;
        Work();
        if (!pushed.TryGetValue(position, out List<(Frame Top, StackSet Below)>? stacks))
            pushed[position] = stacks = [];
        stacks.Add((top, rest));
    }

    // Stacks that lead to one place are made one set together: one by one each would copy those before.
    private void Flush()
    {
        (int Position, List<(Frame Top, StackSet Below)> Stacks)[] all = [.. pushed.Select(static one => (one.Key, one.Value))];
        pushed.Clear();
        foreach ((int position, List<(Frame Top, StackSet Below)> stacks) in all)
            Reach(position, One(hasEmpty: false, Joined(stacks)));
    }

    // In order, each top once.
    private (Frame Top, StackSet Below)[] Joined(List<(Frame Top, StackSet Below)> stacks)
    {
        stacks.Sort(static (x, y) => x.Top.CompareTo(y.Top));
        List<(Frame Top, StackSet Below)> joined = new(stacks.Count);
        foreach ((Frame top, StackSet below) in stacks)
            if (joined.Count > 0 && joined[^1].Top == top)
                joined[^1] = (top, Union(joined[^1].Below, below));
            else
                joined.Add((top, below));
        return [.. joined];
    }

    private StackSet Union(StackSet x, StackSet y)
    {
        if (ReferenceEquals(x, y))
            return x;
        (int, int) key = x.Number < y.Number ? (x.Number, y.Number) : (y.Number, x.Number);
        if (unions.TryGetValue(key, out StackSet? known))
            return known;
        Work(x.Stacks.Length + y.Stacks.Length);
        List<(Frame Top, StackSet Below)> both = [];
        int i = 0, j = 0;
        while (i < x.Stacks.Length || j < y.Stacks.Length)
        {
            int order = i == x.Stacks.Length ? 1 : j == y.Stacks.Length ? -1 : x.Stacks[i].Top.CompareTo(y.Stacks[j].Top);
            both.Add(order < 0 ? x.Stacks[i++] : order > 0 ? y.Stacks[j++] : (x.Stacks[i].Top, Union(x.Stacks[i++].Below, y.Stacks[j++].Below)));
        }
        AddBytes(64);
        return unions[key] = One(x.HasEmpty || y.HasEmpty, [.. both]);
    }

    private StackSet One(bool hasEmpty, (Frame Top, StackSet Below)[] stacks)
    {
        StackSet made = new(hasEmpty, stacks);
        if (sets.TryGetValue(made, out StackSet? known))
            return known;
        Work();
        made.Number = sets.Count;
        sets.Add(made);
        AddBytes(96 + (24L * stacks.Length));
        return made;
    }

    private AutomatonState One((int Position, StackSet Stacks)[] places, bool accepts)
    {
        AutomatonState made = new(this, places, accepts, program.ClassCount);
        if (states.TryGetValue(made, out AutomatonState? known))
            return known;
        states.Add(made);
        AddBytes(120 + (16L * places.Length) + (8L * program.ClassCount));
        return made;
    }

    // The same set among those of this table.
    private StackSet Own(StackSet set, Dictionary<StackSet, StackSet> foreign)
    {
        if (!foreign.TryGetValue(set, out StackSet? own))
            foreign[set] = own = One(set.HasEmpty, [.. set.Stacks.Select(stack => (stack.Top, Own(stack.Below, foreign)))]);
        return own;
    }

    // Rounds that are farther from both bounds than an id has bytes count as those at the start, or as the least that are enough: each round has a byte.
    private StackSet Clamped(StackSet set, int longest)
    {
        if (set.Clamped is not null)
            return set.Clamped;
        List<(Frame Top, StackSet Below)> stacks = new(set.Stacks.Length);
        foreach ((Frame top, StackSet rest) in set.Stacks)
        {
            Frame frame = top;
            if (top.Count >= 0 && program.Positions[top.Position] is RepeatPosition repeat)
                frame = repeat.Least - top.Count > longest ? top with { Count = 0 }
                    : top.Count >= repeat.Least && repeat.Most - top.Count > longest ? top with { Count = repeat.Least } : top;
            stacks.Add((frame, Clamped(rest, longest)));
        }
        return set.Clamped = One(set.HasEmpty, Joined(stacks));
    }
}
