using System.Runtime.InteropServices;
using System.Text;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>How often each distinct word of texts occurs, after a normalizer and a splitter.</summary>
internal sealed class WordCounts
{
    private readonly TrainerOptions options;
    private readonly Splitter? splitter;
    private readonly AddedTokenFinder specialTokens;
    private readonly AlignedText aligned = new();
    private readonly SplitBuffer buffer = new();
    private readonly Dictionary<string, long> counts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> lookup;

    private WordCounts(TrainerOptions options, Splitter? splitter)
    {
        (this.options, this.splitter) = (options, splitter);
        specialTokens = new AddedTokenFinder(options.NumberSpecialTokens());
        lookup = counts.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Counts the words of texts, but for special tokens; the words come in ordinal order, so nothing depends on the order of texts
    /// or on threads.</summary>
    /// <param name="texts">The texts, which are read once, one at a time.</param>
    /// <param name="options">The normalizer and the threads.</param>
    /// <param name="splitter">The stage that splits texts into words; null for none.</param>
    /// <param name="progress">Told the characters that are read.</param>
    /// <param name="cancellation">Ends the counting with an <see cref="OperationCanceledException"/>.</param>
    public static KeyValuePair<string, long>[] Of(
        IEnumerable<string> texts, TrainerOptions options, Splitter? splitter, IProgress<TrainerProgress>? progress,
        CancellationToken cancellation)
    {
        WordCounts all = new(options, splitter);
        TextReading.Run(texts, TextReading.IsLocal(options, splitter), options.Threads, progress,
            () => new WordCounts(options, splitter), static (own, text) => TextReading.Between(own.specialTokens, text.Span, own.Add),
            all.Add, cancellation);
        string[] words = new string[all.counts.Count];
        long[] numbers = new long[words.Length];
        all.counts.Keys.CopyTo(words, 0);
        all.counts.Values.CopyTo(numbers, 0);
        Array.Sort(words, numbers, StringComparer.Ordinal);
        return [.. words.Select((word, i) => KeyValuePair.Create(word, numbers[i]))];
    }

    /// <summary>The most frequent characters of words, in ascending order of code point.</summary>
    public static Rune[] CommonCharacters(KeyValuePair<string, long>[] words, int? most)
    {
        Dictionary<Rune, long> counts = [];
        foreach ((string word, long count) in words)
            foreach (Rune rune in word.EnumerateRunes())
                CollectionsMarshal.GetValueRefOrAddDefault(counts, rune, out _) += count;
        return [.. counts.OrderByDescending(static rune => rune.Value).ThenBy(static rune => rune.Key).Take(most ?? int.MaxValue)
            .Select(static rune => rune.Key).Order()];
    }

    private void Add(ReadOnlySpan<char> text, bool startsText)
    {
        aligned.Fill(text);
        options.Normalizer?.Apply(aligned);
        buffer.Fill(aligned, 0, aligned.Text.Length);
        buffer.StartsText = startsText;
        splitter?.Split(buffer);
        for (int i = 0; i < buffer.Count; i++)
            CollectionsMarshal.GetValueRefOrAddDefault(lookup, buffer[i], out _)++;
    }

    private void Add(WordCounts other)
    {
        foreach ((string word, long count) in other.counts)
            CollectionsMarshal.GetValueRefOrAddDefault(counts, word, out _) += count;
    }
}
