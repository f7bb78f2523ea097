using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Lemma.Text.Normalization;
using Lemma.Text.Splitting;

namespace Lemma.Text.Models.ByteLevel;

/// <summary>The way from text to ids in one pass for BERT's pipeline, where the text is ASCII; the rest goes through the stages.</summary>
/// <remarks>Text between ASCII spaces is normalized and split by itself, so each such part can go its own way.</remarks>
internal sealed class WordPiecePath
{
    private enum Kind : byte { Word, Space, Punctuation, Other }

    private static readonly Kind[] Kinds = MakeKinds();
    private readonly ConcurrentBag<ByteLevelState> idle = [];
    private readonly WordPieceModel model;
    private readonly bool lowercases;

    /// <summary>Encodes a part of the text through the stages.</summary>
    public delegate void EncodeInStages(ReadOnlySpan<char> part, int origin, EncodingRun run);

    private WordPiecePath(WordPieceModel model, bool lowercases) => (this.model, this.lowercases) = (model, lowercases);

    /// <summary>The path of a pipeline, or null when it has none.</summary>
    public static WordPiecePath? TryMake(TokenModel model, Normalizer? normalizer, Splitter? splitter) =>
        model is WordPieceModel wordPiece && splitter is BertSplitter && normalizer is BertNormalizer { CleansText: true } bert
            ? new WordPiecePath(wordPiece, bert.Lowercases) : null;

    /// <summary>Appends the ids of a text without added tokens.</summary>
    public void Encode(ReadOnlySpan<char> text, int origin, EncodingRun run, EncodeInStages stages)
    {
        ByteLevelState state = idle.TryTake(out ByteLevelState? taken) ? taken : new ByteLevelState();
        try
        {
            for (int at = 0, end; at < text.Length; at = end)
            {
                end = at;
                bool plain = true;
                while (end < text.Length && KindOf(text[end]) is Kind kind and not Kind.Space)
                {
                    plain &= kind != Kind.Other;
                    end++;
                }
                if (end == at)
                    end++;
                else if (!plain || !TryEncodePart(text, at, end, state))
                {
                    Flush(state, run);
                    stages(text[at..end], origin + at, run);
                }
            }
            Flush(state, run);
        }
        finally
        {
            state.Count = 0;
            idle.Add(state);
        }
    }

    private static void Flush(ByteLevelState state, EncodingRun run)
    {
        run.Ids.AddRange(state.Ids.AsSpan(0, state.Count));
        state.Count = 0;
    }

    // Words and single punctuation; false when a word is an error.
    private bool TryEncodePart(ReadOnlySpan<char> text, int at, int end, ByteLevelState state)
    {
        int first = state.Count;
        for (int stop; at < end; at = stop)
        {
            stop = at + 1;
            if (KindOf(text[at]) == Kind.Word)
                while (stop < end && KindOf(text[stop]) == Kind.Word)
                    stop++;
            if (TryEncodeWord(text, at, stop - at, state))
                continue;
            state.Count = first;
            return false;
        }
        return true;
    }

    private bool TryEncodeWord(ReadOnlySpan<char> text, int at, int length, ByteLevelState state)
    {
        if (length > WordKey.Longest)
            return TryAdd(text.Slice(at, length), state);
        WordKey key;
        if (text.Length - at >= 16)
            WordKey.TryOfAscii(ref MemoryMarshal.GetReference(text[at..]), length, out key);
        else
        {
            Span<char> padded = stackalloc char[16];
            text.Slice(at, length).CopyTo(padded);
            WordKey.TryOfAscii(ref MemoryMarshal.GetReference(padded), length, out key);
        }
        if (state.TryAppend(key))
            return true;
        int first = state.Count;
        if (!TryAdd(text.Slice(at, length), state))
            return false;
        state.Remember(key, first);
        return true;
    }

    private bool TryAdd(ReadOnlySpan<char> word, ByteLevelState state)
    {
        string normalized = lowercases ? word.ToString().ToLowerInvariant() : word.ToString();
        List<int> ids = [];
        if (model.Encode(normalized, ids) >= 0)
            return false;
        state.Reserve(ids.Count);
        CollectionsMarshal.AsSpan(ids).CopyTo(state.Ids.AsSpan(state.Count));
        state.Count += ids.Count;
        return true;
    }

    private static Kind KindOf(char c) => c < 128 ? Kinds[c] : Kind.Other;

    private static Kind[] MakeKinds()
    {
        Kind[] kinds = new Kind[128];
        for (int c = 0; c < 128; c++)
            kinds[c] = c is ' ' or '\t' or '\n' or '\r' ? Kind.Space : char.IsAsciiLetterOrDigit((char)c) ? Kind.Word
                : UnicodeTables.IsPunctuation(c) ? Kind.Punctuation : Kind.Other;
        return kinds;
    }
}
