using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using Lemma.Text.Normalization;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>How often each distinct word of texts occurs, after a normalizer and a splitter.</summary>
internal sealed class WordCounts
{
    private const int PartLength = 1 << 16;
    private readonly Normalizer? normalizer;
    private readonly Splitter? splitter;
    private readonly AlignedText aligned = new();
    private readonly SplitBuffer buffer = new();
    private readonly Dictionary<string, long> counts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> lookup;

    private WordCounts(Normalizer? normalizer, Splitter? splitter)
    {
        (this.normalizer, this.splitter) = (normalizer, splitter);
        lookup = counts.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Counts the words of texts; the words come in ordinal order, so nothing depends on the order of texts or on threads.</summary>
    /// <param name="texts">The texts, which are read once, one at a time.</param>
    /// <param name="normalizer">The stage that rewrites texts first; null for none.</param>
    /// <param name="splitter">The stage that splits texts into words; null for none.</param>
    /// <param name="threads">The most threads; null for all processors. Each has its own counts until all are added.</param>
    /// <param name="cancellation">Ends the counting with an <see cref="OperationCanceledException"/>.</param>
    /// <param name="cutsAtSpaces">Whether a space behind another character always begins a word, so that a long text is counted in parts.</param>
    public static KeyValuePair<string, long>[] Of(
        IEnumerable<string> texts, Normalizer? normalizer, Splitter? splitter, int? threads, CancellationToken cancellation,
        bool cutsAtSpaces = false)
    {
        WordCounts all = new(normalizer, splitter);
        ParallelOptions options = new() { MaxDegreeOfParallelism = threads ?? Environment.ProcessorCount, CancellationToken = cancellation };
        try
        {
            Parallel.ForEach(cutsAtSpaces ? texts.SelectMany(PartsOf) : texts.Select(static text => text.AsMemory()), options,
                () => new WordCounts(normalizer, splitter), static (text, _, own) => own.Add(text.Span),
                own =>
                {
                    lock (all)
                        all.Add(own);
                });
        }
        catch (AggregateException error)
        {
            ExceptionDispatchInfo.Throw(error.InnerExceptions[0]);
        }
        KeyValuePair<string, long>[] words = [.. all.counts];
        Array.Sort(words, static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        return words;
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

    private static IEnumerable<ReadOnlyMemory<char>> PartsOf(string text)
    {
        for (int at = 0; at < text.Length;)
        {
            int end = Math.Min(text.Length, at + PartLength);
            while (end < text.Length && (text[end] != ' ' || char.IsWhiteSpace(text[end - 1])))
                end++;
            yield return text.AsMemory(at, end - at);
            at = end;
        }
    }

    private WordCounts Add(ReadOnlySpan<char> text)
    {
        aligned.Fill(text);
        normalizer?.Apply(aligned);
        buffer.Fill(aligned, 0, aligned.Text.Length);
        splitter?.Split(buffer);
        for (int i = 0; i < buffer.Count; i++)
            CollectionsMarshal.GetValueRefOrAddDefault(lookup, buffer[i], out _)++;
        return this;
    }

    private void Add(WordCounts other)
    {
        foreach ((string word, long count) in other.counts)
            CollectionsMarshal.GetValueRefOrAddDefault(counts, word, out _) += count;
    }
}
