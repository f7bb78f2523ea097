using System.Text;
using Lemma.Text.Patterns;

namespace Lemma.Tests.Text.Patterns;

/// <summary>The plain twin of the matcher: the tree of a pattern by recursion and continuations, over an array of code points.</summary>
internal sealed class NaiveMatcher(PatternNode pattern, string text)
{
    private const int MostSteps = 20_000;
    private readonly int[] scalars = [.. text.EnumerateRunes().Select(static rune => rune.Value)];
    private int steps;

    /// <summary>All matches in UTF-16 code units, or null where that takes too many steps.</summary>
    public List<(int Start, int End)>? FindAll()
    {
        int[] places = new int[scalars.Length + 1];
        for (int i = 0; i < scalars.Length; i++)
            places[i + 1] = places[i] + (scalars[i] > 0xFFFF ? 2 : 1);
        List<(int, int)> found = [];
        int at = 0, last = -1;
        while (at <= scalars.Length)
        {
            int end = -1;
            if (Match(pattern, at, place => (end = place) >= 0) && (end != at || end != last))
            {
                found.Add((places[at], places[end]));
                at = last = end;
            }
            else
                at++;
            if (steps > MostSteps)
                return null;
        }
        return found;
    }

    private bool Match(PatternNode node, int at, Func<int, bool> rest)
    {
        if (++steps > MostSteps)
            return false;
        switch (node)
        {
            case SetNode set:
                return at < scalars.Length && set.Set.Ranges.ToArray().Any(range => scalars[at] >= range.First && scalars[at] <= range.Last) && rest(at + 1);
            case SequenceNode sequence:
                return Sequence(sequence.Parts, 0, at, rest);
            case ChoiceNode choice:
                return choice.Choices.Any(one => Match(one, at, rest));
            case RepeatNode repeat:
                return Repeat(repeat, 0, at, rest);
            case AtomicNode atomic:
                int end = -1;
                return Match(atomic.Body, at, place => (end = place) >= 0) && rest(end);
            case LookNode { IsAhead: true } ahead:
                return Match(ahead.Body, at, static _ => true) != ahead.IsNegative && rest(at);
            case LookNode behind:
                return Enumerable.Range(0, at + 1).Any(from => Match(behind.Body, from, place => place == at)) != behind.IsNegative && rest(at);
            default:
                return Anchors.Holds(((AnchorNode)node).Anchor, text, PlaceOf(at)) && rest(at);
        }
    }

    private bool Sequence(IReadOnlyList<PatternNode> parts, int part, int at, Func<int, bool> rest) =>
        part == parts.Count ? rest(at) : Match(parts[part], at, place => Sequence(parts, part + 1, place, rest));

    private bool Repeat(RepeatNode repeat, int count, int at, Func<int, bool> rest)
    {
        // A repetition that takes nothing is the last one, where there is no end to them.
        bool More() => Match(repeat.Body, at, place => place == at && repeat.Most < 0 && count >= repeat.Least
            ? rest(place) : Repeat(repeat, count + 1, place, rest));
        if (count < repeat.Least)
            return More();
        if (repeat.Most >= 0 && count >= repeat.Most)
            return rest(at);
        return repeat.IsLazy ? rest(at) || More() : More() || rest(at);
    }

    private int PlaceOf(int at)
    {
        int place = 0;
        for (int i = 0; i < at; i++)
            place += new Rune(scalars[i]).Utf16SequenceLength;
        return place;
    }
}
