using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.PostProcessing;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>Trains a byte-level BPE tokenizer: merges the most frequent pair of neighbours until the vocabulary is full.</summary>
/// <remarks>Of equally frequent pairs the one with the smallest left id, then the smallest right id, is merged first, so that the
/// result depends on the text alone. Ids: special tokens, the 256 bytes in the order of their characters, then the merges.</remarks>
public static class BpeTrainer
{
    /// <summary>Trains on texts, which are read once.</summary>
    /// <param name="texts">The texts; no word goes over the end of one.</param>
    /// <param name="options">The size of the vocabulary and its special tokens; null for the defaults.</param>
    /// <param name="progress">Told the share of merges that are made, in 0 to 1.</param>
    /// <param name="cancellation">Ends the training with an <see cref="OperationCanceledException"/>.</param>
    public static Tokenizer Train(
        IEnumerable<string> texts, BpeTrainerOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancellation = default)
    {
        options ??= new BpeTrainerOptions();
        options.Validate();
        List<string> pieces = [.. options.SpecialTokens, .. ByteAlphabet.Sorted().Select(static c => c.ToString())];
        WordCounts words = new();
        foreach (string text in texts)
        {
            cancellation.ThrowIfCancellationRequested();
            words.Add(text);
        }
        List<(string, string)> merges = Learn(Index(words, options.SpecialTokens.Count), pieces, options, progress, cancellation);
        return new Tokenizer(
            new BpeModel(new Vocabulary(pieces), merges), SpecialTokenList.Number(options.SpecialTokens), splitter: new ByteLevelSplitter(),
            postProcessor: new ByteLevelPostProcessor(addPrefixSpace: false, trimOffsets: false), decoder: new ByteLevelDecoder());
    }

    private static PairIndex Index(WordCounts words, int firstByte)
    {
        int[] idOfCharacter = new int[ByteAlphabet.Sorted()[^1] + 1];
        foreach (char c in ByteAlphabet.Sorted())
            idOfCharacter[c] = firstByte++;
        int[][] rows = new int[words.Words.Count][];
        long[] counts = new long[rows.Length];
        char[] spelling = [];
        int row = 0;
        foreach ((string word, long count) in words.Words)
        {
            if (spelling.Length < 3 * word.Length)
                spelling = new char[6 * word.Length];
            int length = ByteAlphabet.Spell(word, spelling);
            rows[row] = new int[length];
            for (int i = 0; i < length; i++)
                rows[row][i] = idOfCharacter[spelling[i]];
            counts[row++] = count;
        }
        return new PairIndex(rows, counts);
    }

    private static List<(string, string)> Learn(
        PairIndex index, List<string> pieces, BpeTrainerOptions options, IProgress<double>? progress, CancellationToken cancellation)
    {
        Dictionary<string, int> ids = new(StringComparer.Ordinal);
        for (int id = 0; id < pieces.Count; id++)
            ids[pieces[id]] = id;
        List<(string, string)> merges = [];
        HashSet<ulong> merged = [];
        PriorityQueue<QueuedPair, QueuedPair> queue = new();
        int first = pieces.Count;
        Enqueue(queue, index);
        while (pieces.Count < options.VocabularySize && queue.TryDequeue(out QueuedPair top, out _))
        {
            long count = index.CountOf(top.Pair);
            if (count != top.Count)
            {
                QueuedPair current = top with { Count = count };
                queue.Enqueue(current, current);
                continue;
            }
            if (count < options.MinimumFrequency)
                break;
            (string left, string right) = (pieces[top.Left], pieces[top.Right]);
            // Two different pairs can make the same piece: then it keeps the id it has.
            if (!ids.TryGetValue(left + right, out int id))
            {
                ids[left + right] = id = pieces.Count;
                pieces.Add(left + right);
            }
            if (merged.Add(top.Pair))
                merges.Add((left, right));
            index.Merge(top, id);
            Enqueue(queue, index);
            if ((merges.Count & 255) == 0)
            {
                cancellation.ThrowIfCancellationRequested();
                progress?.Report((pieces.Count - first) / (double)(options.VocabularySize - first));
            }
        }
        progress?.Report(1);
        return merges;
    }

    private static void Enqueue(PriorityQueue<QueuedPair, QueuedPair> queue, PairIndex index)
    {
        foreach (QueuedPair pair in index.TakeFound())
            queue.Enqueue(pair, pair);
    }
}
