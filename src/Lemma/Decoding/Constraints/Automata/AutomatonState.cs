namespace Lemma.Decoding.Constraints.Automata;

/// <summary>Where a text stands in an automaton: the places that read next, each with its stacks. Immutable as seen from outside.</summary>
internal sealed class AutomatonState(StateTable table, (int Position, StackSet Stacks)[] places, bool accepts, int classes)
{
    /// <summary>The table that made it.</summary>
    public StateTable Table { get; } = table;

    /// <summary>The places, in order.</summary>
    public (int Position, StackSet Stacks)[] Places { get; } = places;

    /// <summary>Whether the text may end here.</summary>
    public bool Accepts { get; } = accepts;

    /// <summary>Whether nothing may follow.</summary>
    public bool IsLast => Places.Length == 0;

    /// <summary>Whether no text goes through here.</summary>
    public bool IsDead => Places.Length == 0 && !Accepts;

    /// <summary>The states behind each class of symbols, as far as they are known.</summary>
    public AutomatonState?[] Next { get; } = places.Length == 0 ? [] : new AutomatonState?[classes];

    /// <summary>The state that has the same mask, with counts that no id can tell apart made one; null before it was asked for.</summary>
    public AutomatonState? Clamped { get; set; }

    /// <summary>The ids that may follow; null before they were asked for.</summary>
    public TokenMask? Mask;

    /// <summary>States of equal places.</summary>
    public static IEqualityComparer<AutomatonState> Content { get; } = new ByContent();

    private sealed class ByContent : IEqualityComparer<AutomatonState>
    {
        public bool Equals(AutomatonState? x, AutomatonState? y)
        {
            if (x!.Accepts != y!.Accepts || x.Places.Length != y.Places.Length)
                return false;
            for (int i = 0; i < x.Places.Length; i++)
                if (x.Places[i].Position != y.Places[i].Position || !ReferenceEquals(x.Places[i].Stacks, y.Places[i].Stacks))
                    return false;
            return true;
        }

        public int GetHashCode(AutomatonState state)
        {
            HashCode hash = new();
            hash.Add(state.Accepts);
            foreach ((int position, StackSet stacks) in state.Places)
                hash.Add((position, stacks.Number));
            return hash.ToHashCode();
        }
    }
}
