namespace Lemma.Text.Patterns;

/// <summary>What comes behind a place of a pattern.</summary>
/// <param name="First">The characters that may be next; more than can be is no fault.</param>
/// <param name="ReachesEnd">Whether the end of the pattern, or of an atomic group, may come without a character.</param>
/// <param name="IsCertain">Whether it always matches.</param>
internal readonly record struct Follow(CharacterSet First, bool ReachesEnd, bool IsCertain)
{
    /// <summary>Behind the last part.</summary>
    public static readonly Follow End = new(CharacterSet.Empty, true, true);

    /// <summary>What comes where a node stands before this.</summary>
    public Follow Behind(PatternNode node)
    {
        switch (node)
        {
            case SetNode set:
                return new Follow(set.Set, false, false);
            case SequenceNode sequence:
                Follow follow = this;
                for (int i = sequence.Parts.Count - 1; i >= 0; i--)
                    follow = follow.Behind(sequence.Parts[i]);
                return follow;
            case ChoiceNode choice:
                Follow any = Behind(choice.Choices[0]);
                for (int i = 1; i < choice.Choices.Count; i++)
                    any = any.Or(Behind(choice.Choices[i]));
                return any;
            case RepeatNode repeat when repeat.Most == 0:
                return this;
            case RepeatNode repeat:
                Follow once = Behind(repeat.Body);
                return repeat.Least == 0 ? once.Or(this) with { IsCertain = IsCertain } : once with { IsCertain = false };
            case AtomicNode atomic:
                return Behind(atomic.Body) with { IsCertain = false };
            case StepBackNode:
                return new Follow(CharacterSet.All, true, false);
            default:
                return this with { IsCertain = false };
        }
    }

    /// <summary>This or the other.</summary>
    public Follow Or(Follow other) =>
        new(First.Union(other.First), ReachesEnd || other.ReachesEnd, IsCertain || other.IsCertain);

    /// <summary>Whether a loop over a set before this may take all it can, since giving some back would never help.</summary>
    public bool NeedsNothingOf(CharacterSet set) => IsCertain || (!ReachesEnd && First.Intersect(set).IsEmpty);
}

/// <summary>So many characters to the left; only in what looks behind.</summary>
/// <param name="Characters">How many.</param>
internal sealed record StepBackNode(int Characters) : PatternNode;
