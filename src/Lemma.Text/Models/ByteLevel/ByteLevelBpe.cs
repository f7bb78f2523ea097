using System.Runtime.InteropServices;
using Lemma.Text.Splitting;

namespace Lemma.Text.Models.ByteLevel;

/// <summary>Byte-pair encoding of UTF-8 bytes, for vocabularies that have all 256 of them: nothing is unknown.</summary>
/// <remarks>A word that is a piece, or was merged before, costs one look into a table. Another short word is merged pair by pair,
/// a long one is encoded by <see cref="Backtracking"/>, so the time is linear in the text. Immutable and thread-safe; what changes is
/// in the caller's <see cref="ByteLevelState"/>.</remarks>
internal sealed class ByteLevelBpe
{
    /// <summary>From this number of bytes on, backtracking is faster than merging.</summary>
    private const int LongWord = 40;

    private readonly MergeTable merges;
    private readonly int[] idOfByte;
    private readonly BytePieces whole;
    private readonly WordTable words;
    private readonly Lazy<Backtracking?> backtracking;

    private ByteLevelBpe(MergeTable merges, BytePieces whole, int[] idOfByte)
    {
        (this.merges, this.whole, this.idOfByte, words) = (merges, whole, idOfByte, whole.Short);
        backtracking = new Lazy<Backtracking?>(() => Backtracking.TryMake(merges, whole, idOfByte));
    }

    /// <summary>The encoder of a vocabulary spelled in the alphabet of bytes, or null when a byte is missing.</summary>
    /// <param name="vocabulary">Its pieces; those with other characters are left out.</param>
    /// <param name="list">The merges of its ids.</param>
    /// <param name="merges">The same as a table.</param>
    /// <param name="takesWhole">Whether a word that is a piece is taken without merging.</param>
    public static ByteLevelBpe? TryMake(Vocabulary vocabulary, MergeList list, MergeTable merges, bool takesWhole)
    {
        int[] idOfByte = new int[256];
        for (int value = 0; value < 256; value++)
            if ((idOfByte[value] = vocabulary.IdOf([ByteAlphabet.ToCharacter((byte)value)])) < 0)
                return null;
        // A piece that its own merges do not make is only in the vocabulary.
        BytePieces whole = vocabulary.Bytes;
        if (!takesWhole)
            whole = whole.Only(PieceSplits.Made(list, merges, whole.Count, idOfByte));
        return new ByteLevelBpe(merges, whole, idOfByte);
    }

    /// <summary>Appends the ids of the words of a text; lone surrogates are read as U+FFFD.</summary>
    public void Encode<TScanner>(ReadOnlySpan<char> text, ByteLevelState state)
        where TScanner : struct, IWordScanner
    {
        for (int at = 0; at < text.Length;)
        {
            int end = TScanner.EndOfNext(text, at), length = end - at;
            if (length <= WordKey.Longest && text.Length - at >= 16
                && WordKey.TryOfAscii(ref MemoryMarshal.GetReference(text[at..]), length, out WordKey key))
            {
                state.Reserve(WordKey.Longest);
                int id = words.Find(key);
                if (id >= 0)
                    state.Ids[state.Count++] = id;
                else
                    EncodeShort(text.Slice(at, length), key, state);
            }
            else
                EncodeWord(text[at..end], state);
            at = end;
        }
    }

    /// <summary>Appends the ids of one word, whatever its length.</summary>
    public void EncodeWord(ReadOnlySpan<char> word, ByteLevelState state)
    {
        if (state.Bytes.Length < 3L * word.Length)
            state.Bytes = new byte[Math.Min(Array.MaxLength, 6L * word.Length)];
        System.Text.Unicode.Utf8.FromUtf16(word, state.Bytes, out _, out int count);
        Encode(state.Bytes.AsSpan(0, count), state);
    }

    private void Encode(ReadOnlySpan<byte> word, ByteLevelState state)
    {
        state.Reserve(word.Length);
        int first = state.Count;
        if (word.Length <= WordKey.Longest)
        {
            WordKey key = WordKey.Of(word);
            int id = words.Find(key);
            if (id >= 0)
                state.Ids[state.Count++] = id;
            else if (!state.TryAppend(key))
            {
                MergeInto(word, state);
                state.Remember(key, first);
            }
            return;
        }
        ulong hash = 0;
        if (word.Length <= ByteLevelState.LongestRemembered && state.TryAppend(word, hash = ByteLevelState.HashOf(word)))
            return;
        if (whole.IdOfLong(word) is int piece and >= 0)
            state.Ids[state.Count++] = piece;
        else if (word.Length < LongWord || backtracking.Value is not Backtracking exact)
            MergeInto(word, state);
        else
            exact.Encode(word, state);
        if (word.Length <= ByteLevelState.LongestRemembered)
            state.Remember(word, hash, first);
    }

    private void EncodeShort(ReadOnlySpan<char> ascii, WordKey key, ByteLevelState state)
    {
        if (state.TryAppend(key))
            return;
        int first = state.Count;
        Span<byte> bytes = stackalloc byte[WordKey.Longest];
        for (int i = 0; i < ascii.Length; i++)
            bytes[i] = (byte)ascii[i];
        MergeInto(bytes[..ascii.Length], state);
        state.Remember(key, first);
    }

    private void MergeInto(ReadOnlySpan<byte> word, ByteLevelState state)
    {
        Span<int> ids = state.Ids.AsSpan(state.Count, word.Length);
        for (int i = 0; i < word.Length; i++)
            ids[i] = idOfByte[word[i]];
        state.Count += Merger.Merge(merges, ids);
    }
}
