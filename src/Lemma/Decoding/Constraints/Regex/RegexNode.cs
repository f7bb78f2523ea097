using Lemma.Decoding.Constraints.Nodes;

namespace Lemma.Decoding.Constraints.Regex;

/// <summary>A part of a regular expression over code points.</summary>
internal abstract class RegexNode
{
    /// <summary>The empty text.</summary>
    public static readonly RegexNode Nothing = new RegexSequence([]);

    /// <summary>The fewest code points of what it matches, and the most; null for any number.</summary>
    public abstract (long Least, long? Most) Length { get; }

    /// <summary>The same over bytes.</summary>
    /// <param name="character">How one character of a set is written.</param>
    public abstract GrammarNode Lower(Func<CodePointSet, GrammarNode> character);
}

/// <summary>One character of a set.</summary>
internal sealed class RegexSet(CodePointSet set) : RegexNode
{
    public CodePointSet Set { get; } = set;

    public override (long Least, long? Most) Length => (1, 1);

    public override GrammarNode Lower(Func<CodePointSet, GrammarNode> character) => character(Set);
}

/// <summary>Parts one after another.</summary>
internal sealed class RegexSequence(IReadOnlyList<RegexNode> parts) : RegexNode
{
    public IReadOnlyList<RegexNode> Parts { get; } = parts;

    public override (long Least, long? Most) Length { get; } =
        (parts.Sum(static part => part.Length.Least), parts.Any(static part => part.Length.Most is null) ? null : parts.Sum(static part => part.Length.Most));

    public override GrammarNode Lower(Func<CodePointSet, GrammarNode> character) => GrammarNode.Sequence([.. Parts.Select(part => part.Lower(character))]);
}

/// <summary>One of several parts.</summary>
internal sealed class RegexChoice(IReadOnlyList<RegexNode> choices) : RegexNode
{
    public IReadOnlyList<RegexNode> Choices { get; } = choices;

    public override (long Least, long? Most) Length { get; } =
        (choices.Min(static part => part.Length.Least), choices.Any(static part => part.Length.Most is null) ? null : choices.Max(static part => part.Length.Most));

    public override GrammarNode Lower(Func<CodePointSet, GrammarNode> character) => GrammarNode.Choice([.. Choices.Select(part => part.Lower(character))]);
}

/// <summary>A part several times.</summary>
internal sealed class RegexRepeat(RegexNode body, int least, int? most) : RegexNode
{
    // So large a bound is told apart from no other.
    private const long Far = 1L << 40;

    public RegexNode Body { get; } = body;

    public int Least { get; } = least;

    public int? Most { get; } = most;

    public override (long Least, long? Most) Length { get; } = (Math.Min(Far, least * body.Length.Least),
        body.Length.Most == 0 || most == 0 ? 0 : most is null || body.Length.Most is null || most * body.Length.Most > Far ? null : most * body.Length.Most);

    public override GrammarNode Lower(Func<CodePointSet, GrammarNode> character) => new RepeatNode(Body.Lower(character), Least, Most);
}
