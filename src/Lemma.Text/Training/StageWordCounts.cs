using System.Runtime.InteropServices;
using Lemma.Text.Normalization;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>How often each distinct word of texts occurs, after a normalizer and a splitter.</summary>
internal sealed class StageWordCounts
{
    private readonly Normalizer? normalizer;
    private readonly Splitter? splitter;
    private readonly AlignedText aligned = new();
    private readonly SplitBuffer buffer = new();
    private readonly Dictionary<string, long> counts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> lookup;

    public StageWordCounts(Normalizer? normalizer, Splitter? splitter)
    {
        (this.normalizer, this.splitter) = (normalizer, splitter);
        lookup = counts.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Counts the words of a text.</summary>
    public void Add(string text)
    {
        aligned.Fill(text);
        normalizer?.Apply(aligned);
        buffer.Fill(aligned, 0, aligned.Text.Length);
        splitter?.Split(buffer);
        for (int i = 0; i < buffer.Count; i++)
            CollectionsMarshal.GetValueRefOrAddDefault(lookup, buffer[i], out _)++;
    }

    /// <summary>The words in ordinal order, so that nothing depends on the order of the texts.</summary>
    public KeyValuePair<string, long>[] Sorted()
    {
        KeyValuePair<string, long>[] words = [.. counts];
        Array.Sort(words, static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        return words;
    }
}
