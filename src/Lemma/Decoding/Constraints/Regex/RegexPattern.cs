using Lemma.Decoding.Constraints.Nodes;

namespace Lemma.Decoding.Constraints.Regex;

/// <summary>An alternative of a regular expression, and whether it is held to the start and the end of the text.</summary>
internal readonly record struct RegexBranch(RegexNode Body, bool AtStart, bool AtEnd);

/// <summary>A regular expression.</summary>
internal sealed class RegexPattern(IReadOnlyList<RegexBranch> branches)
{
    /// <summary>The alternatives.</summary>
    public IReadOnlyList<RegexBranch> Branches { get; } = branches;

    /// <summary>The fewest and the most code points of a text that matches as a whole.</summary>
    public (long Least, long? Most) Length => new RegexChoice([.. Branches.Select(static branch => branch.Body)]).Length;

    /// <summary>The fewest and the most code points of a text in which it is found.</summary>
    public (long Least, long? Most) FoundLength => (Length.Least, Branches.All(static branch => branch.AtStart && branch.AtEnd) ? Length.Most : null);

    /// <summary>Texts that match as a whole.</summary>
    public GrammarNode Lower(Func<CodePointSet, GrammarNode> character) => GrammarNode.Choice([.. Branches.Select(branch => branch.Body.Lower(character))]);

    /// <summary>Texts in which it is found.</summary>
    public GrammarNode LowerFound(Func<CodePointSet, GrammarNode> character)
    {
        GrammarNode any = new RepeatNode(character(CodePointSet.All), 0, null);
        return GrammarNode.Choice([.. Branches.Select(branch => GrammarNode.Sequence(branch.AtStart ? GrammarNode.Nothing : any, branch.Body.Lower(character),
            branch.AtEnd ? GrammarNode.Nothing : any))]);
    }

    /// <summary>Where the texts that it is found in are a number of characters of one set: the set and the number.</summary>
    public (CodePointSet Set, int Least, int? Most)? AsRun() => Branches is [{ AtStart: true, AtEnd: true, Body: var body }] ? body switch
    {
        RegexSet set => (set.Set, 1, 1),
        RegexRepeat { Body: RegexSet set } repeat => (set.Set, repeat.Least, repeat.Most),
        _ => null,
    } : null;
}
