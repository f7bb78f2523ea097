namespace Lemma.Text.Patterns;

/// <summary>Texts without case: every character by its set, and characters that fold to several of the text.</summary>
internal static class FoldedText
{
    private const int MostNodes = 2000;
    private static readonly CaseFolding Folding = CharacterProperties.CaseFolding;
    private static readonly ILookup<int, KeyValuePair<int, int[]>> FullByFirst = Folding.Full.ToLookup(static pair => pair.Value[0]);

    /// <summary>What matches a text without case.</summary>
    public static PatternNode Of(ReadOnlySpan<int> scalars)
    {
        List<int> folded = [];
        foreach (int scalar in scalars)
            folded.AddRange(Folding.Fold(scalar));
        int nodes = 0;
        return From([.. folded], 0, ref nodes);
    }

    /// <summary>A class without case, and the texts that characters of it fold to.</summary>
    public static PatternNode WithTexts(CharacterSet set, CharacterSet closed)
    {
        List<PatternNode> choices = [new SetNode(closed)];
        foreach ((int code, int[] folded) in Folding.Full)
            if (set.Contains(code) && !closed.Contains(folded[0]))
                choices.Add(Of(folded));
        return choices.Count == 1 ? choices[0] : new ChoiceNode(choices);
    }

    private static PatternNode From(int[] folded, int at, ref int nodes)
    {
        List<PatternNode> parts = [];
        for (; at < folded.Length; at++)
        {
            if (++nodes > MostNodes)
                throw new ArgumentException($"pattern: a text without case must have at most {MostNodes} ways to be written, but has more");
            PatternNode one = new SetNode(Folding.SetOf(folded[at]));
            List<PatternNode> choices = [];
            int place = at;
            foreach (IGrouping<int, int> ends in FullByFirst[folded[at]]
                         .Where(pair => folded.AsSpan(place).StartsWith(pair.Value)).GroupBy(static pair => pair.Value.Length, static pair => pair.Key))
                choices.Add(new SequenceNode([new SetNode(CharacterSet.Of(ends.Select(static code => (code, code)))),
                    From(folded, at + ends.Key, ref nodes)]));
            if (choices.Count > 0)
            {
                parts.Add(new ChoiceNode([new SequenceNode([one, From(folded, at + 1, ref nodes)]), .. choices]));
                return new SequenceNode(parts);
            }
            parts.Add(one);
        }
        return parts.Count == 1 ? parts[0] : new SequenceNode(parts);
    }
}
