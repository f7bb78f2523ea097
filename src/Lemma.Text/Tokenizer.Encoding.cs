using System.Runtime.InteropServices;
using System.Text;
using Lemma.Text.Models;
using Lemma.Text.Models.ByteLevel;
using Lemma.Text.Splitting;

namespace Lemma.Text;

public sealed partial class Tokenizer
{
    /// <summary>The ids of a text; never cut or padded, which only <see cref="EncodeForModel(string, string?, bool)"/> does.</summary>
    /// <param name="text">Any text; added tokens in it become their ids.</param>
    /// <param name="addSpecialTokens">Whether the post-processor puts special tokens around the ids: not around what a chat template wrote,
    /// which has them already.</param>
    /// <exception cref="ArgumentException">The model needs an unknown piece, and the vocabulary has none.</exception>
    public int[] Encode(string text, bool addSpecialTokens = true)
    {
        if (byteLevelPath is null || (addSpecialTokens && PostProcessor is { AddsTokens: true }))
        {
            List<int> ids = new(text.Length / 3 + 8);
            Encode(text, ids, addSpecialTokens);
            return [.. ids];
        }
        ByteLevelState state = byteLevelPath.Rent();
        EncodeBytes(text, state);
        int[] result = state.Ids.AsSpan(0, state.Count).ToArray();
        byteLevelPath.Return(state);
        return result;
    }

    /// <summary>Appends the ids of a text to a list, which the caller may use again and again; never cut or padded.</summary>
    /// <param name="text">Any text; added tokens in it become their ids.</param>
    /// <param name="ids">Where the ids are appended; unchanged after an error.</param>
    /// <param name="addSpecialTokens">Whether the post-processor puts special tokens around the ids.</param>
    /// <exception cref="ArgumentException">The model needs an unknown piece, and the vocabulary has none.</exception>
    public void Encode(ReadOnlySpan<char> text, List<int> ids, bool addSpecialTokens = true)
    {
        int first = ids.Count;
        if (byteLevelPath is not null)
        {
            ByteLevelState state = byteLevelPath.Rent();
            EncodeBytes(text, state);
            CollectionsMarshal.SetCount(ids, first + state.Count);
            state.Ids.AsSpan(0, state.Count).CopyTo(CollectionsMarshal.AsSpan(ids)[first..]);
            byteLevelPath.Return(state);
        }
        else
            EncodeInStages(text, ids);
        if (addSpecialTokens)
            PostProcessor?.Process(ids, first);
    }

    /// <summary>Writes the ids of a text into a span; never cut or padded, without special tokens around.</summary>
    /// <remarks>Byte-level BPE with a known pattern allocates nothing once warm; other tokenizers some hundred bytes a text.</remarks>
    /// <param name="text">Any text; added tokens in it become their ids.</param>
    /// <param name="destination">Where the ids are written.</param>
    /// <param name="count">The number of ids of the text, also when they do not fit.</param>
    /// <returns>Whether they fit; otherwise nothing is written.</returns>
    /// <exception cref="ArgumentException">The model needs an unknown piece, and the vocabulary has none.</exception>
    public bool TryEncode(ReadOnlySpan<char> text, Span<int> destination, out int count)
    {
        if (byteLevelPath is null)
        {
            List<int> ids = idleIds.TryTake(out List<int>? idle) ? idle : [];
            ids.Clear();
            EncodeInStages(text, ids);
            count = ids.Count;
            bool fits = count <= destination.Length;
            if (fits)
                CollectionsMarshal.AsSpan(ids).CopyTo(destination);
            idleIds.Add(ids);
            return fits;
        }
        ByteLevelState state = byteLevelPath.Rent();
        EncodeBytes(text, state);
        count = state.Count;
        bool whole = state.Ids.AsSpan(0, count).TryCopyTo(destination);
        byteLevelPath.Return(state);
        return whole;
    }

    /// <summary>The number of ids of a text, without special tokens around.</summary>
    /// <exception cref="ArgumentException">The model needs an unknown piece, and the vocabulary has none.</exception>
    public int CountTokens(ReadOnlySpan<char> text)
    {
        TryEncode(text, [], out int count);
        return count;
    }

    /// <summary>The ids of many texts, on several threads, in the order of the texts.</summary>
    /// <param name="texts">Any texts.</param>
    /// <param name="addSpecialTokens">Whether the post-processor puts special tokens around the ids.</param>
    /// <param name="threads">The most threads; at least 1, null for all processors.</param>
    /// <exception cref="ArgumentException">The model needs an unknown piece, and the vocabulary has none.</exception>
    public int[][] EncodeBatch(IReadOnlyList<string> texts, bool addSpecialTokens = true, int? threads = null)
    {
        int[][] all = new int[texts.Count][];
        ParallelOptions options = new() { MaxDegreeOfParallelism = threads ?? Environment.ProcessorCount };
        try
        {
            Parallel.For(0, all.Length, options, i => all[i] = Encode(texts[i], addSpecialTokens));
        }
        catch (AggregateException error) when (error.InnerException is ArgumentException)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error.InnerException);
        }
        return all;
    }

    /// <summary>Ids of a text, merged with BPE-dropout: every merge may be passed over, so the same text has many encodings.</summary>
    /// <remarks>Provilkov, Emelianenko and Voita 2020, "BPE-dropout: simple and effective subword regularization". Never cut or padded.</remarks>
    /// <param name="text">Any text; added tokens in it become their ids.</param>
    /// <param name="seed">The same text, seed and probability give the same ids.</param>
    /// <param name="probability">In 0 to 1: with which a merge is passed over each time it is next; null for that of the model's file.</param>
    /// <param name="addSpecialTokens">Whether the post-processor puts special tokens around the ids.</param>
    /// <exception cref="ArgumentException">The model is not BPE, or the probability is not one.</exception>
    public int[] EncodeWithDropout(string text, int seed, double? probability = null, bool addSpecialTokens = true)
    {
        if (Model is not BpeModel model)
            throw new ArgumentException($"encode: only BPE has dropout, but the model is {Model.GetType().Name}");
        double share = probability ?? model.Options.Dropout;
        if (share is not (>= 0 and <= 1))
            throw new ArgumentException($"encode: the dropout must be in 0 to 1, but is {share}");
        List<int> ids = [];
        EncodingRun run = new() { Dropout = (new Random(seed), share) };
        run.Begin(ids);
        EncodeRaw(text, run);
        if (addSpecialTokens)
            PostProcessor?.Process(ids, 0);
        return [.. ids];
    }

    private EncodingRun RentRun() => idleRuns.TryTake(out EncodingRun? run) ? run : new EncodingRun();

    private void EncodeInStages(ReadOnlySpan<char> text, List<int> ids)
    {
        int first = ids.Count;
        EncodingRun run = RentRun();
        run.Begin(ids);
        try
        {
            EncodeRaw(text, run);
        }
        catch (ArgumentException)
        {
            ids.RemoveRange(first, ids.Count - first);
            throw;
        }
        finally
        {
            idleRuns.Add(run);
        }
    }

    /// <summary>Text without a normalizer, straight to the bytes' merges.</summary>
    private void EncodeBytes(ReadOnlySpan<char> text, ByteLevelState state)
    {
        if (AddedTokens.Count == 0)
        {
            byteLevelPath!.Encode(text, state);
            return;
        }
        for (int at = 0; at < text.Length;)
        {
            AddedToken? token = anyFinder.Next(text, at, out int start, out int end);
            if (start > at)
                byteLevelPath!.Encode(text[at..start], state);
            if (token is not null)
            {
                state.Reserve(1);
                state.Ids[state.Count++] = token.Id;
            }
            at = end;
        }
    }

    /// <summary>Finds the added tokens of the text as given; the text between them goes on.</summary>
    private void EncodeRaw(ReadOnlySpan<char> text, EncodingRun run)
    {
        for (int at = 0; at < text.Length;)
        {
            AddedToken? token = rawFinder.Next(text, at, out int start, out int end);
            if (start > at && wordPiecePath is not null && !run.Tracks)
                wordPiecePath.Encode(text[at..start], at, run, EncodeNormalized);
            else if (start > at)
                EncodeNormalized(text[at..start], at, run);
            if (token is not null)
                run.Add(token.Id, start, end);
            at = end;
        }
    }

    /// <summary>Normalizes, finds the added tokens of the normalized text; the text between them goes on.</summary>
    private void EncodeNormalized(ReadOnlySpan<char> text, int origin, EncodingRun run)
    {
        AlignedText normalized = run.Normalized;
        normalized.Fill(text, run.Tracks || needsOrigins, origin);
        Normalizer?.Apply(normalized);
        for (int at = 0; at < normalized.Text.Length;)
        {
            AddedToken? token = normalizedFinder.Next(normalized.Text, at, out int start, out int end);
            if (start > at)
            {
                run.Buffer.Fill(normalized, at, start);
                run.Buffer.StartsText = needsOrigins ? normalized.OriginOf(at, at + 1).Start == 0 : origin + at == 0;
                EncodePieces(origin + at, run);
            }
            if (token is not null)
                run.Add(token.Id, normalized, start, end);
            at = end;
        }
    }

    private void EncodePieces(int origin, EncodingRun run)
    {
        SplitBuffer buffer = run.Buffer;
        Splitter?.Split(buffer);
        for (int i = 0; i < buffer.Count; i++)
        {
            ReadOnlySpan<char> piece = buffer[i];
            int first = run.Ids.Count, unknown = run.Dropout is { } dropout
                ? ((BpeModel)Model).EncodeWithDropout(piece, run.Ids, dropout) : Model.Encode(piece, run.Ids);
            if (unknown < 0)
            {
                if (run.Tracks)
                    run.Locate(Model, i, first);
                continue;
            }
            Rune rune = Unicode.RuneAt(piece, unknown);
            string place = Normalizer is null && Splitter is null ? "" : " of the normalized text";
            throw new ArgumentException($"encode: the vocabulary of {VocabularySize} has no piece for {Unicode.Describe(rune)}, "
                + $"at index {origin + buffer.OriginOf(i) + unknown}{place}");
        }
    }
}
