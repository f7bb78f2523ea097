using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.PostProcessing;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>Trains a BPE tokenizer: merges the most frequent pair of neighbours until the vocabulary is full.</summary>
/// <remarks>Of equally frequent pairs the one with the smallest left id, then the smallest right id, is merged first, so that the
/// result depends on the text alone. Ids: special tokens, bytes (in the order of their characters in GPT-2's alphabet, or &lt;0x00&gt; to
/// &lt;0xFF&gt;), characters in the order of their code points, then the merges. Units of bytes have GPT-2's words; characters have words that
/// begin with the mark of a space, U+2581, and line feeds apart. Gage 1994; Sennrich, Haddow and Birch 2016.</remarks>
public static class BpeTrainer
{
    /// <summary>Trains on texts, which are read once; memory grows with their distinct words.</summary>
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
        bool bytes = options.Units == BpeUnits.Bytes;
        Splitter words = bytes ? PatternSplitter.Of(WordPattern.Gpt2) : new SequenceSplitter(
            [new MetaspaceSplitter(prepends: PrependScheme.Never), PatternSplitter.OfText("\n", SplitBehavior.Contiguous)]);
        BpeUnitTable table = new(WordCounts.Of(texts, null, words, options.Threads, cancellation, cutsAtSpaces: true), options);
        List<(string, string)> merges = Learn(table, options, progress, cancellation);
        AddedToken[] special = SpecialTokenList.Number(options.AllSpecialTokens);
        Vocabulary vocabulary = new(table.Pieces);
        if (bytes)
            return new Tokenizer(new BpeModel(vocabulary, merges), special, splitter: new ByteLevelSplitter(),
                postProcessor: new ByteLevelPostProcessor(addPrefixSpace: false, trimOffsets: false), decoder: new ByteLevelDecoder());
        bool fallsBack = options.Units == BpeUnits.CharactersOrBytes;
        BpeOptions model = new() { UnknownPiece = fallsBack ? null : options.UnknownPiece, ByteFallback = fallsBack };
        // The mark of a space may itself be bytes, where the texts had no space.
        ReplaceDecoder spaces = new("\u2581", " ");
        return new Tokenizer(new BpeModel(vocabulary, merges, model), special, splitter: words,
            decoder: new SequenceDecoder(fallsBack ? [new ByteFallbackDecoder(), spaces, new FuseDecoder()] : [spaces, new FuseDecoder()]));
    }

    private static List<(string, string)> Learn(
        BpeUnitTable table, BpeTrainerOptions options, IProgress<double>? progress, CancellationToken cancellation)
    {
        List<string> pieces = table.Pieces;
        PairIndex index = table.Spell();
        Dictionary<string, int> ids = new(StringComparer.Ordinal);
        List<int> lengths = [.. Enumerable.Repeat(1, pieces.Count)];
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
            int length = lengths[top.Left] + lengths[top.Right];
            if (length > options.LongestPiece)
                continue;
            (string left, string right) = (pieces[top.Left], pieces[top.Right]);
            // Two different pairs can make the same piece: then it keeps the id it has.
            if (!ids.TryGetValue(left + right, out int id))
            {
                ids[left + right] = id = pieces.Count;
                pieces.Add(left + right);
                lengths.Add(length);
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
