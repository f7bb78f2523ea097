namespace Lemma.Decoding.Constraints.Automata;

/// <summary>A place of the automaton, one of a few kinds.</summary>
internal abstract class Position;

/// <summary>Where a symbol is read: symbols from first to last lead to a place. Edges are in order and apart from each other.</summary>
internal sealed class EdgePosition((int First, int Last, int Target)[] edges) : Position
{
    public (int First, int Last, int Target)[] Edges { get; } = edges;

    /// <summary>Where a symbol leads, or −1.</summary>
    public int Target(int symbol)
    {
        int low = 0, high = Edges.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            if (symbol < Edges[middle].First)
                high = middle - 1;
            else if (symbol > Edges[middle].Last)
                low = middle + 1;
            else
                return Edges[middle].Target;
        }
        return -1;
    }
}

/// <summary>Goes on at several places.</summary>
internal sealed class SplitPosition : Position
{
    public int[] Targets { get; set; } = [];
}

/// <summary>Goes through a rule and then on.</summary>
internal sealed class CallPosition(int entry, int next) : Position
{
    /// <summary>Where the rule begins.</summary>
    public int Entry { get; } = entry;

    public int Next { get; } = next;
}

/// <summary>Goes through a part as often as its bounds say and then on; the count is on the stack.</summary>
internal sealed class RepeatPosition(int least, int? most, int next) : Position
{
    public int Least { get; } = least;

    public int? Most { get; } = most;

    public int Next { get; } = next;

    /// <summary>Where the part begins; it ends in a return.</summary>
    public int Body { get; set; }
}

/// <summary>Ends a rule or a round of a repetition.</summary>
internal sealed class ReturnPosition : Position;
