namespace Lemma.Decoding.Constraints.Nodes;

/// <summary>Many fixed texts as one part, whose common beginnings are told once.</summary>
internal static class Literals
{
    // Deeper branches are told one by one, so that no list of texts makes a deep tree.
    private const int MostDepth = 64;

    /// <summary>One of some texts.</summary>
    public static GrammarNode Of(IEnumerable<byte[]> texts)
    {
        byte[][] sorted = [.. texts];
        Array.Sort(sorted, static (x, y) => x.AsSpan().SequenceCompareTo(y));
        List<byte[]> distinct = [];
        foreach (byte[] text in sorted)
            if (distinct.Count == 0 || !distinct[^1].AsSpan().SequenceEqual(text))
                distinct.Add(text);
        return Branch([.. distinct], 0, 0);
    }

    private static GrammarNode Branch(ReadOnlySpan<byte[]> texts, int from, int depth)
    {
        if (texts.IsEmpty)
            return GrammarNode.Never;
        int common = texts[0].AsSpan(from).CommonPrefixLength(texts[^1].AsSpan(from));
        GrammarNode start = Literal(texts[0].AsSpan(from, common));
        from += common;
        if (texts.Length == 1)
            return start;
        List<GrammarNode> choices = [];
        for (int i = 0; i < texts.Length;)
        {
            if (texts[i].Length == from || depth == MostDepth)
            {
                choices.Add(Literal(texts[i++].AsSpan(from)));
                continue;
            }
            int end = i;
            while (end < texts.Length && texts[end][from] == texts[i][from])
                end++;
            choices.Add(Branch(texts[i..end], from, depth + 1));
            i = end;
        }
        return GrammarNode.Sequence(start, GrammarNode.Choice(choices));
    }

    private static GrammarNode Literal(ReadOnlySpan<byte> bytes) => bytes.IsEmpty ? GrammarNode.Nothing : new LiteralNode(bytes.ToArray());
}
