namespace Lemma.Decoding.Constraints.Automata;

/// <summary>What is to be gone on with behind a rule (count −1: the place), or a repetition with the rounds that are done.</summary>
internal readonly record struct Frame(int Position, int Count) : IComparable<Frame>
{
    public int CompareTo(Frame other) => Position != other.Position ? Position.CompareTo(other.Position) : Count.CompareTo(other.Count);
}

/// <summary>A set of stacks as a tree from the top: stacks with the same top share it. One object for one set within a table.</summary>
internal sealed class StackSet(bool hasEmpty, (Frame Top, StackSet Below)[] stacks)
{
    /// <summary>Whether the empty stack is in it.</summary>
    public bool HasEmpty { get; } = hasEmpty;

    /// <summary>The tops, in order, with what is below each.</summary>
    public (Frame Top, StackSet Below)[] Stacks { get; } = stacks;

    /// <summary>The most frames of a stack.</summary>
    public int Height { get; } = stacks.Length == 0 ? 0 : 1 + stacks.Max(static stack => stack.Below.Height);

    /// <summary>Its number in its table.</summary>
    public int Number { get; set; }

    /// <summary>The set with counts that no id can tell apart made one; null before it was asked for.</summary>
    public StackSet? Clamped { get; set; }

    /// <summary>Sets of equal content, where what is below is one object for one set.</summary>
    public static IEqualityComparer<StackSet> Content { get; } = new ByContent();

    private sealed class ByContent : IEqualityComparer<StackSet>
    {
        public bool Equals(StackSet? x, StackSet? y)
        {
            if (x!.HasEmpty != y!.HasEmpty || x.Stacks.Length != y.Stacks.Length)
                return false;
            for (int i = 0; i < x.Stacks.Length; i++)
                if (x.Stacks[i].Top != y.Stacks[i].Top || !ReferenceEquals(x.Stacks[i].Below, y.Stacks[i].Below))
                    return false;
            return true;
        }

        public int GetHashCode(StackSet set)
        {
            HashCode hash = new();
            hash.Add(set.HasEmpty);
            foreach ((Frame top, StackSet rest) in set.Stacks)
                hash.Add((top.Position, top.Count, rest.Number));
            return hash.ToHashCode();
        }
    }
}
