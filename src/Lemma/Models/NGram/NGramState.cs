namespace Lemma.Models;

/// <summary>What an n-gram model keeps of the ids before: the longest context that it knows. Of use to the model that made it alone.</summary>
public readonly record struct NGramState
{
    internal NGramState(int known, int node, int length) => (Known, Node, Length) = (known, node, length);

    /// <summary>How many last ids are known as a context.</summary>
    internal int Known { get; }

    /// <summary>Their place in the level of their number.</summary>
    internal int Node { get; }

    /// <summary>How many last ids the context has, known or not: one fewer than the order at most.</summary>
    internal int Length { get; }
}
