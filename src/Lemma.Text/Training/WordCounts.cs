using System.Runtime.InteropServices;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>How often each distinct word of a text occurs; words keep the order in which they were first seen.</summary>
internal sealed class WordCounts
{
    private readonly Dictionary<string, long> counts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> lookup;
    private char[] copy = new char[256];

    public WordCounts() => lookup = counts.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The words and their counts.</summary>
    public IReadOnlyCollection<KeyValuePair<string, long>> Words => counts;

    /// <summary>Counts the words of a text by GPT-2's pattern; lone surrogates become U+FFFD.</summary>
    public void Add(string text)
    {
        if (copy.Length < text.Length)
            copy = new char[Math.Max(text.Length, (int)Math.Min(Array.MaxLength, 2L * copy.Length))];
        Unicode.CopyWellFormed(text, copy);
        ReadOnlySpan<char> wellFormed = copy.AsSpan(0, text.Length);
        for (int at = 0; at < wellFormed.Length;)
        {
            int end = Gpt2Scanner.EndOfNext(wellFormed, at);
            CollectionsMarshal.GetValueRefOrAddDefault(lookup, wellFormed[at..end], out _)++;
            at = end;
        }
    }
}
