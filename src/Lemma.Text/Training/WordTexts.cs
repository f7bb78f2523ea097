namespace Lemma.Text.Training;

/// <summary>The texts of words one behind the other, and how often each occurs.</summary>
internal sealed class WordTexts
{
    private readonly int[] starts;
    private readonly int[] wordOfPlace;

    /// <summary>The texts of words and their counts.</summary>
    public WordTexts(KeyValuePair<string, long>[] words)
    {
        long length = words.Sum(static word => (long)word.Key.Length);
        if (length > Array.MaxLength)
            throw new ArgumentException(
                $"train: the distinct words may have {Array.MaxLength} characters, but have {length}: shorten the texts, or split them more");
        (starts, wordOfPlace, Text) = (new int[words.Length + 1], new int[length], new char[length]);
        Counts = [.. words.Select(static word => word.Value)];
        for (int word = 0, place = 0; word < words.Length; word++)
        {
            words[word].Key.CopyTo(Text.AsSpan(place));
            starts[word] = place;
            wordOfPlace.AsSpan(place, words[word].Key.Length).Fill(word);
            starts[word + 1] = place += words[word].Key.Length;
        }
    }

    /// <summary>The number of words.</summary>
    public int Count => Counts.Length;

    /// <summary>The words one behind the other.</summary>
    public char[] Text { get; }

    /// <summary>How often each word occurs.</summary>
    public long[] Counts { get; }

    /// <summary>The place of the first character of a word; that of the one behind the last word is the length of the text.</summary>
    public int StartOf(int word) => starts[word];

    /// <summary>The end of the word in which a place is.</summary>
    public int EndAt(int place) => starts[wordOfPlace[place] + 1];

    /// <summary>How often the word occurs in which a place is.</summary>
    public long CountAt(int place) => Counts[wordOfPlace[place]];
}
