using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Lemma.Text.Training;

/// <summary>The substrings that a unigram vocabulary begins with: all characters, and what occurs twice or more.</summary>
/// <remarks>Places are sorted by their first character, each run of equal ones by the second, and so on: a run is a substring, and its
/// places are where it stands. What occurs once is not sorted further, so the work is that of the substrings that are kept.
/// <code>
/// words  ab abc b       places by what follows   ab$ abc  b$ b$ bc  c     runs   a(2) ab(2) b(3) c(1)
/// </code></remarks>
internal sealed class SeedPieces
{
    private const int MostInserted = 32;
    private readonly WordTexts words;
    private readonly char[] keys;
    private readonly int[] places, unsorted, ends = new int[0x10000];
    private readonly List<Run> runs = [];

    /// <summary>The seeds of words, at most so many: of others than characters those of the greatest count times length.</summary>
    /// <param name="words">The words.</param>
    /// <param name="longest">The most code units of a seed.</param>
    /// <param name="most">The most seeds; all characters are seeds, however many.</param>
    /// <param name="excluded">Texts that are no seeds.</param>
    public SeedPieces(WordTexts words, int longest, int most, IReadOnlyCollection<string> excluded)
    {
        this.words = words;
        (keys, places, unsorted) = (new char[words.Text.Length], new int[words.Text.Length], new int[words.Text.Length]);
        int count = 0;
        // A piece begins with a whole character.
        for (int place = 0; place < words.Text.Length; place++)
            if (!char.IsLowSurrogate(words.Text[place]))
                places[count++] = place;
        Sort(count, longest);
        runs.RemoveAll(run => excluded.Any(text => TextOf(run).SequenceEqual(text)));
        if (runs.Count > most)
            KeepBest(most);
    }

    /// <summary>A substring: its places are a range of the sorted ones.</summary>
    public readonly record struct Run(int From, int To, int Length, long Count, bool IsCharacter)
    {
        /// <summary>How many characters of the text it stands for.</summary>
        public double Weight => (double)Count * Length;
    }

    /// <summary>The seeds in ordinal order.</summary>
    public ReadOnlySpan<Run> Runs => CollectionsMarshal.AsSpan(runs);

    /// <summary>Where a seed stands in the texts of the words.</summary>
    public ReadOnlySpan<int> PlacesOf(Run run) => places.AsSpan(run.From, run.To - run.From);

    private ReadOnlySpan<char> TextOf(Run run) => words.Text.AsSpan(places[run.From], run.Length);

    private void Sort(int count, int longest)
    {
        Stack<Run> open = [];
        open.Push(new Run(0, count, 0, 0, false));
        List<Run> longer = [];
        while (open.TryPop(out Run run))
        {
            bool isHalf = run.Length > 0 && char.IsHighSurrogate(TextOf(run)[^1]);
            if (run.Length > 0 && !isHalf)
                runs.Add(run);
            if (run.Length >= longest && !(run.Length == 1 && isHalf))
                continue;
            FindLonger(run, longer);
            for (int i = longer.Count - 1; i >= 0; i--)
                open.Push(longer[i]);
        }
    }

    /// <summary>Sorts the places of a run by the next character, and makes a run of each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FindLonger(Run run, List<Run> longer)
    {
        longer.Clear();
        // Places where the word ends have no next character: they stay in front.
        int from = run.From;
        for (int i = run.From; i < run.To; i++)
            if (places[i] + run.Length == words.EndAt(places[i]))
            {
                (places[i], places[from]) = (places[from], places[i]);
                from++;
            }
        for (int i = from; i < run.To; i++)
            keys[i] = words.Text[places[i] + run.Length];
        SortByKey(from, run.To);
        for (int to; from < run.To; from = to)
        {
            char key = keys[from];
            long count = 0;
            for (to = from; to < run.To && keys[to] == key; to++)
                count += words.CountAt(places[to]);
            bool startsCharacter = run.Length == 0, isHalf = char.IsHighSurrogate(key);
            bool isCharacter = startsCharacter ? !isHalf : run.Length == 1 && char.IsLowSurrogate(key);
            if (count >= 2 || isCharacter || (startsCharacter && isHalf))
                longer.Add(new Run(from, to, run.Length + 1, count, isCharacter));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SortByKey(int from, int to)
    {
        if (to - from > MostInserted)
        {
            CountingSort(from, to);
            return;
        }
        for (int i = from + 1; i < to; i++)
        {
            (char key, int place) = (keys[i], places[i]);
            int at = i;
            for (; at > from && keys[at - 1] > key; at--)
                (keys[at], places[at]) = (keys[at - 1], places[at - 1]);
            (keys[at], places[at]) = (key, place);
        }
    }

    /// <summary>Counts each character, then puts each place behind those with lower ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CountingSort(int from, int to)
    {
        List<char> distinct = [];
        for (int i = from; i < to; i++)
            if (ends[keys[i]]++ == 0)
                distinct.Add(keys[i]);
        distinct.Sort();
        int end = from;
        foreach (char key in distinct)
            ends[key] = end += ends[key];
        places.AsSpan(from, to - from).CopyTo(unsorted);
        for (int i = to - 1; i >= from; i--)
            places[--ends[keys[i]]] = unsorted[i - from];
        for (int i = distinct.Count - 1, last = to; i >= 0; i--)
        {
            keys.AsSpan(ends[distinct[i]], last - ends[distinct[i]]).Fill(distinct[i]);
            last = ends[distinct[i]];
            ends[distinct[i]] = 0;
        }
    }

    private void KeepBest(int most)
    {
        int characters = runs.Count(static run => run.IsCharacter);
        Run[] kept = [.. runs.Index().OrderByDescending(static seed => seed.Item.IsCharacter).ThenByDescending(static seed => seed.Item.Weight)
            .ThenBy(static seed => seed.Index).Take(Math.Max(most, characters)).OrderBy(static seed => seed.Index).Select(static seed => seed.Item)];
        runs.Clear();
        runs.AddRange(kept);
    }
}
