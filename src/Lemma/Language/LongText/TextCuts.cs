using Lemma.Text;

namespace Lemma.Language.LongText;

/// <summary>Where a text may be cut so that every token lies whole on one side: cut i stands before token <c>Token(i)</c>.</summary>
/// <remarks>A character of several tokens is not cut. The first cut is the beginning of the text and the last its end.</remarks>
internal sealed class TextCuts
{
    private readonly string text;
    private readonly List<int> tokens = [], places = [];
    private readonly CutLevel[] levels;

    public TextCuts(string text, Tokenizer tokenizer)
    {
        this.text = text;
        List<(int Start, int End)> offsets = tokenizer.EncodeDetailed(text, addSpecialTokens: false).Offsets;
        Find(offsets);
        levels = new CutLevel[tokens.Count];
        foreach (TextBoundary boundary in TextBoundaries.Of(text))
            Mark(boundary);
        levels[0] = levels[^1] = CutLevel.Paragraph;
    }

    /// <summary>How many cuts there are.</summary>
    public int Count => tokens.Count;

    /// <summary>How many tokens stand before a cut.</summary>
    public int Token(int cut) => tokens[cut];

    /// <summary>The largest units that a cut lies between.</summary>
    public CutLevel Level(int cut) => levels[cut];

    /// <summary>The part between two cuts.</summary>
    public TextChunk Between(int from, int to) =>
        new(text[places[from]..places[to]], places[from], tokens[from], tokens[to] - tokens[from]);

    /// <summary>The last cut with at most as many tokens before it.</summary>
    public int LastWith(int most)
    {
        int found = tokens.BinarySearch(most);
        return found >= 0 ? found : ~found - 1;
    }

    /// <summary>The first cut with at least as many tokens before it.</summary>
    public int FirstWith(int least)
    {
        int found = tokens.BinarySearch(least);
        return found >= 0 ? found : ~found;
    }

    // A token may be cut off where all before it end before all from it on begin; white space between belongs to what follows.
    private void Find(List<(int Start, int End)> offsets)
    {
        int[] begins = new int[offsets.Count];
        for (int i = offsets.Count - 1, least = text.Length; i >= 0; i--)
            begins[i] = least = Math.Min(least, offsets[i].Start);
        tokens.Add(0);
        places.Add(0);
        for (int i = 1, end = 0; i < offsets.Count; i++)
        {
            end = Math.Max(end, offsets[i - 1].End);
            bool splitsPair = end > 0 && end < text.Length && char.IsHighSurrogate(text[end - 1]) && char.IsLowSurrogate(text[end]);
            // Tokens without characters of their own stay with those before them.
            if (end > begins[i] || splitsPair || end == places[^1] || end == text.Length)
                continue;
            tokens.Add(i);
            places.Add(end);
        }
        if (text.Length > 0)
        {
            tokens.Add(offsets.Count);
            places.Add(text.Length);
        }
    }

    // The last cut within the white space, so that what follows begins with its first character where that can be.
    private void Mark(TextBoundary boundary)
    {
        int found = places.BinarySearch(boundary.To);
        int cut = found >= 0 ? found : ~found - 1;
        if (places[cut] >= boundary.From && levels[cut] < boundary.Level)
            levels[cut] = boundary.Level;
    }
}
