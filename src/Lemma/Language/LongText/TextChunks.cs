using Lemma.Text;

namespace Lemma.Language.LongText;

/// <summary>Cuts a long text into parts of some tokens, which may overlap.</summary>
/// <remarks>
/// The text is encoded once, as a whole, without special tokens, and cut between its tokens: apart from the overlap every token and every character is in
/// one chunk. What cannot be cut stays whole, even where it has more tokens than a chunk may have: a character of several tokens. Encoded alone, a chunk may
/// have a few more or fewer tokens, as a tokenizer sees other neighbours at its ends.
/// </remarks>
public static class TextChunks
{
    /// <summary>Chunks of as many tokens as may be, wherever they end.</summary>
    /// <param name="text">Any text; an empty one has no chunks.</param>
    /// <param name="tokenizer">Whose tokens count.</param>
    /// <param name="size">The most tokens of a chunk.</param>
    /// <param name="overlap">The most tokens that a chunk has of the one before, fewer than <paramref name="size"/>; fewer where a character would be cut.</param>
    public static IReadOnlyList<TextChunk> ByTokens(string text, Tokenizer tokenizer, int size, int overlap = 0)
    {
        TextCuts cuts = Cuts(text, tokenizer, size, overlap);
        List<TextChunk> chunks = [];
        for (int from = 0, end = 0; end < cuts.Count - 1;)
        {
            int next = cuts.LastWith(cuts.Token(from) + size);
            if (next <= end)
            {
                // What overlaps leaves no room for what cannot be cut.
                from = end;
                next = Math.Max(end + 1, cuts.LastWith(cuts.Token(from) + size));
            }
            chunks.Add(cuts.Between(from, next));
            end = next;
            from = Math.Max(cuts.FirstWith(cuts.Token(end) - overlap), 0);
        }
        return chunks;
    }

    /// <summary>Chunks of whole paragraphs; of whole sentences of a paragraph that is too long, of words of such a sentence, and of tokens of such a word.</summary>
    /// <param name="text">Any text; an empty one has no chunks.</param>
    /// <param name="tokenizer">Whose tokens count.</param>
    /// <param name="size">The most tokens of a chunk; as many units as fit are together.</param>
    /// <param name="overlap">
    /// The most tokens that a chunk has of the one before, fewer than <paramref name="size"/>: whole paragraphs if some fit, else whole sentences, else words.
    /// </param>
    public static IReadOnlyList<TextChunk> ByStructure(string text, Tokenizer tokenizer, int size, int overlap = 0)
    {
        TextCuts cuts = Cuts(text, tokenizer, size, overlap);
        List<int> ends = [];
        Divide(cuts, 0, cuts.Count - 1, CutLevel.Paragraph, size, ends);
        List<TextChunk> chunks = [];
        for (int from = 0, end = 0, unit = 0; unit < ends.Count;)
        {
            // The next unit is taken in any case, so the overlap gives way to it.
            from = OverlapFrom(cuts, end, Math.Min(overlap, size - (cuts.Token(ends[unit]) - cuts.Token(end))));
            int most = cuts.Token(from) + size;
            do
                end = ends[unit++];
            while (unit < ends.Count && cuts.Token(ends[unit]) <= most);
            chunks.Add(cuts.Between(from, end));
        }
        return chunks;
    }

    private static TextCuts Cuts(string text, Tokenizer tokenizer, int size, int overlap)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(tokenizer);
        Require.That(size > 0, $"chunks: a chunk must have room for a token, but its size is {size}");
        Require.That(overlap >= 0 && overlap < size, $"chunks: the overlap must be from 0 to {size - 1}, one less than a chunk, but it is {overlap}");
        return new TextCuts(text, tokenizer);
    }

    // The ends of the largest units that fit; what does not fit is divided into smaller ones.
    private static void Divide(TextCuts cuts, int from, int to, CutLevel level, int size, List<int> ends)
    {
        for (int next; from < to; from = next)
        {
            next = from + 1;
            while (next < to && cuts.Level(next) < level)
                next++;
            if (level == CutLevel.Token || cuts.Token(next) - cuts.Token(from) <= size)
                ends.Add(next);
            else
                Divide(cuts, from, next, level - 1, size, ends);
        }
    }

    private static int OverlapFrom(TextCuts cuts, int end, int most)
    {
        if (most <= 0)
            return end;
        int best = end;
        CutLevel level = CutLevel.Word;
        for (int cut = end - 1; cut >= 0 && cuts.Token(end) - cuts.Token(cut) <= most; cut--)
        {
            if (cuts.Level(cut) >= level)
                (best, level) = (cut, cuts.Level(cut));
        }
        return best;
    }
}
