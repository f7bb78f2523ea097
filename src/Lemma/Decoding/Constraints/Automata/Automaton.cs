namespace Lemma.Decoding.Constraints.Automata;

/// <summary>A grammar that runs: states are made when they are first met and kept up to a bound. Safe for any number of threads.</summary>
internal sealed class Automaton
{
    // What is tried before the first text: so much that a grammar that explodes early is refused early.
    private const int Tried = 2_000, TriedWork = 1_000_000;
    private readonly GrammarProgram program;
    private readonly GrammarLimits limits;
    private readonly Lock gate = new();
    private readonly AutomatonState dead;
    private StateTable table;

    /// <summary>An automaton of a program.</summary>
    /// <exception cref="GrammarException">Its first bytes lead to more than the limits allow.</exception>
    public Automaton(GrammarProgram program, GrammarLimits limits)
    {
        (this.program, this.limits, table) = (program, limits, new StateTable(program, limits));
        dead = new AutomatonState(table, [], accepts: false, classes: 0);
        Try();
    }

    /// <summary>The program.</summary>
    public GrammarProgram Program => program;

    /// <summary>Where every text begins.</summary>
    public AutomatonState Start
    {
        get
        {
            lock (gate)
                return Current().Start;
        }
    }

    /// <summary>The state behind a symbol.</summary>
    /// <exception cref="GrammarException">It leads to more than the limits allow.</exception>
    public AutomatonState Next(AutomatonState state, int symbol)
    {
        AutomatonState?[] next = state.Next;
        if (next.Length == 0)
            return dead;
        int at = program.Classes[symbol];
        return Volatile.Read(ref next[at]) ?? Make(state, at);
    }

    /// <summary>The state with the same mask for ids of at most so many bytes.</summary>
    public AutomatonState Clamp(AutomatonState state, int longest)
    {
        if (state.Clamped is { } known)
            return known;
        lock (gate)
            return state.Clamped = Current().Clamp(state, longest);
    }

    /// <summary>The state behind bytes.</summary>
    public AutomatonState Next(AutomatonState state, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
            state = Next(state, value);
        return state;
    }

    private AutomatonState Make(AutomatonState state, int at)
    {
        lock (gate)
        {
            AutomatonState made = Current().Step(state, program.Representatives[at]);
            Volatile.Write(ref state.Next[at], made);
            return made;
        }
    }

    // A full table is let go: texts that are under way keep their state, and go on in the next one.
    private StateTable Current() => table.IsFull ? table = new StateTable(program, limits) : table;

    private void Try()
    {
        Queue<AutomatonState> open = new([Start]);
        HashSet<AutomatonState> seen = [.. open];
        for (int tried = 0; tried < Tried && open.TryDequeue(out AutomatonState? state);)
            for (int at = 0; at < state.Next.Length && tried < Tried && table.AllWork < TriedWork; at++)
            {
                AutomatonState next = Next(state, program.Representatives[at]);
                tried += next.IsDead ? 0 : 1;
                if (!next.IsDead && seen.Add(next))
                    open.Enqueue(next);
            }
    }
}
