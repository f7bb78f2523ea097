
namespace Lemma.Decoding.Constraints.Nodes;

/// <summary>Sets of code points as bytes of UTF-8.</summary>
internal static class CodePoints
{
    private static readonly GrammarNode[] AnyRest = MakeAnyRest();
    private static readonly CodePointSet Surrogates = CodePointSet.Of([(0xD800, 0xDFFF)]);

    /// <summary>One code point of a set; halves of surrogate pairs are none.</summary>
    public static GrammarNode Lower(CodePointSet set)
    {
        List<GrammarNode> choices = [];
        ByteSet ascii = default;
        List<(int First, int Last)>[] longer = [[], [], []];
        foreach ((int first, int last) in set.Intersect(Surrogates.Complement()).Ranges)
        {
            if (first < 0x80)
                ascii = ascii.Union(ByteSet.Range(first, Math.Min(last, 0x7F)));
            Clip(first, last, 0x80, 0x7FF, longer[0]);
            Clip(first, last, 0x800, 0xFFFF, longer[1]);
            Clip(first, last, 0x10000, 0x10FFFF, longer[2]);
        }
        if (!ascii.IsEmpty)
            choices.Add(new ByteNode(ascii));
        for (int rest = 1; rest <= 3; rest++)
            if (longer[rest - 1].Count > 0)
                Add(choices, longer[rest - 1], rest, rest switch { 1 => 0xC0, 2 => 0xE0, _ => 0xF0 });
        return GrammarNode.Choice(choices);
    }

    private static void Clip(int first, int last, int least, int most, List<(int First, int Last)> into)
    {
        if (Math.Max(first, least) <= Math.Min(last, most))
            into.Add((Math.Max(first, least), Math.Min(last, most)));
    }

    // The choices of one byte whose upper bits are the lead, and of what follows it; bytes that are followed alike are one set.
    private static void Add(List<GrammarNode> choices, List<(int First, int Last)> ranges, int rest, int lead)
    {
        int size = 1 << (6 * rest);
        List<(int Value, List<(int First, int Last)> Sub)> groups = [];
        foreach ((int first, int last) in ranges)
            for (int value = first / size; value <= last / size; value++)
            {
                // Ranges are in order, so those of one byte stand together.
                if (groups.Count == 0 || groups[^1].Value != value)
                    groups.Add((value, []));
                groups[^1].Sub.Add((Math.Max(first, value * size) - (value * size), Math.Min(last, ((value + 1) * size) - 1) - (value * size)));
            }
        Dictionary<string, int> places = new(StringComparer.Ordinal);
        List<(ByteSet Bytes, List<(int First, int Last)> Sub)> joined = [];
        foreach ((int value, List<(int First, int Last)> sub) in groups)
        {
            string key = string.Join(',', sub);
            ByteSet bytes = ByteSet.Range(lead + value, lead + value);
            if (places.TryGetValue(key, out int place))
                joined[place] = (joined[place].Bytes.Union(bytes), sub);
            else
            {
                places[key] = joined.Count;
                joined.Add((bytes, sub));
            }
        }
        foreach ((ByteSet bytes, List<(int First, int Last)> sub) in joined)
            choices.Add(GrammarNode.Sequence(new ByteNode(bytes), Rest(sub, rest, size)));
    }

    private static GrammarNode Rest(List<(int First, int Last)> ranges, int rest, int size)
    {
        if (ranges.Count == 1 && ranges[0] == (0, size - 1))
            return AnyRest[rest];
        if (rest == 1)
        {
            ByteSet bytes = default;
            foreach ((int first, int last) in ranges)
                bytes = bytes.Union(ByteSet.Range(0x80 + first, 0x80 + last));
            return new ByteNode(bytes);
        }
        List<GrammarNode> choices = [];
        Add(choices, ranges, rest - 1, 0x80);
        return GrammarNode.Choice(choices);
    }

    private static GrammarNode[] MakeAnyRest()
    {
        GrammarNode one = new ByteNode(ByteSet.Range(0x80, 0xBF));
        return [GrammarNode.Nothing, one, GrammarNode.Sequence(one, one), GrammarNode.Sequence(one, one, one)];
    }
}
