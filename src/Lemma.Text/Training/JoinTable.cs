using System.Runtime.InteropServices;
using System.Text;

namespace Lemma.Text.Training;

/// <summary>Words as rows of ids, the counts of ids and of pairs, kept true while the pair of the highest score is joined.</summary>
internal sealed class JoinTable
{
    private readonly WordPieceTrainerOptions options;
    private readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
    private readonly List<long> pieceCounts = [];
    private readonly List<int> lengths = [];
    private readonly List<List<int>> words = [];
    private readonly List<long> wordCounts = [];
    private readonly Dictionary<ulong, long> pairCounts = [];
    private readonly Dictionary<ulong, HashSet<int>> places = [];

    /// <summary>The pieces so far; the index is the id.</summary>
    public List<string> Pieces { get; } = [];

    /// <summary>A table of words, whose characters become pieces.</summary>
    public JoinTable(KeyValuePair<string, long>[] counted, WordPieceTrainerOptions options)
    {
        this.options = options;
        foreach (string token in options.SpecialTokens)
            IdOf(token, 0);
        Rune[] characters = WordCounts.CommonCharacters(counted, options.AlphabetSize);
        HashSet<Rune> alphabet = [.. characters];
        foreach (string prefix in (ReadOnlySpan<string>)["", options.ContinuingPrefix])
            foreach (Rune character in characters)
                IdOf(prefix + character, 1);
        foreach ((string word, long count) in counted)
            AddWord(word, count, alphabet);
    }

    /// <summary>Joins pairs until the vocabulary is full or no pair is frequent enough.</summary>
    public void Learn(IProgress<double>? progress, CancellationToken cancellation)
    {
        int first = Pieces.Count;
        while (Pieces.Count < options.VocabularySize)
        {
            cancellation.ThrowIfCancellationRequested();
            if (Best() is not ulong pair)
                break;
            Join(pair);
            progress?.Report((Pieces.Count - first) / (double)Math.Max(1, options.VocabularySize - first));
        }
        progress?.Report(1);
    }

    private ulong? Best()
    {
        (double Score, long Count, ulong Pair)? best = null;
        foreach ((ulong pair, long count) in pairCounts)
        {
            if (count < options.MinimumFrequency || !MayJoin(pair))
                continue;
            double score = options.Score == WordPieceScore.Frequency ? count
                : count / ((double)pieceCounts[(int)(pair >> 32)] * pieceCounts[(int)(uint)pair]);
            bool wins = best is not { } other || score > other.Score
                || (score == other.Score && (count > other.Count || (count == other.Count && pair < other.Pair)));
            if (wins)
                best = (score, count, pair);
        }
        return best?.Pair;
    }

    private bool MayJoin(ulong pair) =>
        options.LongestPiece is not int most || lengths[(int)(pair >> 32)] + lengths[(int)(uint)pair] <= most;

    private void Join(ulong pair)
    {
        (int left, int right) = ((int)(pair >> 32), (int)(uint)pair);
        int joined = IdOf(Pieces[left] + Pieces[right][options.ContinuingPrefix.Length..], lengths[left] + lengths[right]);
        foreach (int index in places[pair].Order().ToArray())
        {
            List<int> word = words[index];
            Count(index, -1);
            for (int i = 0; i + 1 < word.Count; i++)
                if (word[i] == left && word[i + 1] == right)
                {
                    word[i] = joined;
                    word.RemoveAt(i + 1);
                }
            Count(index, 1);
        }
        pairCounts.Remove(pair);
        places.Remove(pair);
    }

    private void Count(int index, int sign)
    {
        List<int> word = words[index];
        for (int i = 0; i < word.Count; i++)
        {
            pieceCounts[word[i]] += sign * wordCounts[index];
            if (i + 1 == word.Count)
                continue;
            ulong pair = QueuedPair.Key(word[i], word[i + 1]);
            ref long count = ref CollectionsMarshal.GetValueRefOrAddDefault(pairCounts, pair, out _);
            count += sign * wordCounts[index];
            if (sign > 0)
                (CollectionsMarshal.GetValueRefOrAddDefault(places, pair, out _) ??= []).Add(index);
            else if (count == 0)
            {
                pairCounts.Remove(pair);
                places.Remove(pair);
            }
        }
    }

    // A word with a character outside the alphabet is unknown as a whole, so it teaches nothing.
    private void AddWord(string word, long count, HashSet<Rune> alphabet)
    {
        List<int> row = [];
        foreach (Rune rune in word.EnumerateRunes())
        {
            if (!alphabet.Contains(rune))
                return;
            row.Add(IdOf(row.Count == 0 ? rune.ToString() : options.ContinuingPrefix + rune, 1));
        }
        words.Add(row);
        wordCounts.Add(count);
        Count(words.Count - 1, 1);
    }

    private int IdOf(string piece, int length)
    {
        if (ids.TryGetValue(piece, out int id))
            return id;
        ids[piece] = id = Pieces.Count;
        Pieces.Add(piece);
        pieceCounts.Add(0);
        lengths.Add(length);
        return id;
    }
}
