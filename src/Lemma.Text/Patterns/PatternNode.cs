namespace Lemma.Text.Patterns;

/// <summary>A part of a pattern.</summary>
internal abstract record PatternNode
{
    /// <summary>Matches nothing, everywhere.</summary>
    public static readonly PatternNode Nothing = new SequenceNode([]);
}

/// <summary>One character of a set.</summary>
internal sealed record SetNode(CharacterSet Set) : PatternNode;

/// <summary>Parts one after another.</summary>
internal sealed record SequenceNode(IReadOnlyList<PatternNode> Parts) : PatternNode;

/// <summary>The first of several that leads to a match.</summary>
internal sealed record ChoiceNode(IReadOnlyList<PatternNode> Choices) : PatternNode;

/// <summary>A part several times.</summary>
/// <param name="Body">What is repeated.</param>
/// <param name="Least">How often at least.</param>
/// <param name="Most">How often at most; −1 for any number.</param>
/// <param name="IsLazy">Whether as seldom as possible.</param>
internal sealed record RepeatNode(PatternNode Body, int Least, int Most, bool IsLazy) : PatternNode;

/// <summary>A part whose first way to match is the only one.</summary>
internal sealed record AtomicNode(PatternNode Body) : PatternNode;

/// <summary>What must or must not follow, or stand before.</summary>
internal sealed record LookNode(PatternNode Body, bool IsAhead, bool IsNegative) : PatternNode;

/// <summary>A condition of a place.</summary>
internal sealed record AnchorNode(Anchor Anchor) : PatternNode;

/// <summary>The conditions of a place.</summary>
internal enum Anchor
{
    /// <summary>^: the start of a line.</summary>
    LineStart,

    /// <summary>$: the end of a line.</summary>
    LineEnd,

    /// <summary>\A: the start of the text.</summary>
    TextStart,

    /// <summary>\z: the end of the text.</summary>
    TextEnd,

    /// <summary>\Z: the end of the text, or before its last line feed.</summary>
    LastLineEnd,

    /// <summary>\b: between a character of a word and another.</summary>
    WordBoundary,

    /// <summary>\B: not so.</summary>
    NoWordBoundary,
}
