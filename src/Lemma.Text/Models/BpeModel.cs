using System.Buffers;
using System.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Models.ByteLevel;

namespace Lemma.Text.Models;

/// <summary>Byte-pair encoding: the characters of a piece, merged pair by pair in the order in which the merges were learned.</summary>
/// <remarks>Gage 1994; Sennrich, Haddow and Birch 2016, "Neural machine translation of rare words with subword units".</remarks>
public sealed class BpeModel : TokenModel
{
    private const char Mark = '\u2581';
    private readonly MergeTable table;
    private readonly PieceCache cache = new();
    private readonly int[] directIds;
    private readonly int[]? byteIds;
    private readonly int unknownId;
    private readonly bool plain, cutsAtMarks;
    private readonly Lazy<ByteLevelBpe?> byteLevel;

    /// <summary>A model of a vocabulary and its merges, the first learned first.</summary>
    /// <exception cref="ArgumentException">A merge names a piece that the vocabulary lacks, or makes one that it lacks.</exception>
    public BpeModel(Vocabulary vocabulary, IReadOnlyList<(string Left, string Right)> merges, BpeOptions? options = null)
        : base(vocabulary)
    {
        Options = options ?? new BpeOptions();
        if (Options.Dropout is not (>= 0 and <= 1))
            throw new ArgumentException($"bpe: the dropout must be in 0 to 1, but is {Options.Dropout}");
        plain = Options.ContinuingPrefix.Length == 0 && Options.EndSuffix.Length == 0;
        MergeList list = MergeList.Of(vocabulary, merges, Options.ContinuingPrefix);
        Merges = list;
        table = new MergeTable(list.Ids, vocabulary.Size, Options.SharesRanks);
        cutsAtMarks = plain && !Options.IgnoreMerges && StaysInWords(list.Ids);
        byteLevel = new Lazy<ByteLevelBpe?>(() => plain && !Options.ByteFallback
            ? ByteLevelBpe.TryMake(vocabulary, list, table, Options.IgnoreMerges) : null);
        unknownId = Options.UnknownPiece is null ? -1 : vocabulary.IdOf(Options.UnknownPiece);
        if (Options.UnknownPiece is not null && unknownId < 0)
            throw new ArgumentException($"bpe: the unknown piece '{Options.UnknownPiece}' is not in the vocabulary");
        directIds = new int[0x250];
        for (int c = 0; c < directIds.Length; c++)
            directIds[c] = vocabulary.IdOf([(char)c]);
        if (Options.ByteFallback)
            byteIds = [.. Enumerable.Range(0, 256).Select(value => vocabulary.IdOf(ByteFallbackDecoder.PieceOf((byte)value)))];
    }

    /// <summary>The encoder of whole texts for a vocabulary of bytes; null for other vocabularies.</summary>
    internal ByteLevelBpe? ByteLevel => byteLevel.Value;

    /// <summary>The merges, the first learned first.</summary>
    public IReadOnlyList<(string Left, string Right)> Merges { get; }

    /// <summary>What the model does besides merging.</summary>
    public BpeOptions Options { get; }

    /// <inheritdoc/>
    public override int Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (!cutsAtMarks)
            return EncodePart(piece, ids);
        for (int at = 0, end; at < piece.Length; at = end)
        {
            end = EndOfWord(piece, at);
            int unknown = EncodePart(piece[at..end], ids);
            if (unknown >= 0)
                return at + unknown;
        }
        return -1;
    }

    /// <summary>Appends ids of a piece, merged with dropout; returns what <see cref="Encode"/> does.</summary>
    internal int EncodeWithDropout(ReadOnlySpan<char> piece, List<int> ids, (Random Random, double Probability) dropout) =>
        dropout.Probability > 0 ? EncodeNew(piece, ids, dropout) : Encode(piece, ids);

    /// <summary>The next place after which a mark of a space follows something else, or the end.</summary>
    private static int EndOfWord(ReadOnlySpan<char> piece, int at)
    {
        int letter = piece[at..].IndexOfAnyExcept(Mark);
        if (letter < 0)
            return piece.Length;
        int next = piece[(at + letter)..].IndexOf(Mark);
        return next < 0 ? piece.Length : at + letter + next;
    }

    private int EncodePart(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (piece.Length > PieceCache.LongestPiece)
            return EncodeNew(piece, ids);
        uint hash = PieceCache.HashOf(piece);
        if (cache.TryAppend(piece, hash, ids))
            return -1;
        int start = ids.Count;
        int unknown = EncodeNew(piece, ids);
        if (unknown < 0)
            cache.Remember(piece, hash, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ids)[start..]);
        return unknown;
    }

    /// <inheritdoc/>
    internal override void Locate(ReadOnlySpan<char> piece, ReadOnlySpan<int> ids, List<(int Start, int End)> ranges)
    {
        int at = 0;
        for (int i = 0; i < ids.Length && at < piece.Length; i++)
        {
            int start = at, width = char.IsHighSurrogate(piece[at]) ? 2 : 1;
            if (byteIds is not null && Array.IndexOf(byteIds, ids[i]) >= 0 && CharacterId(piece, at, width) < 0)
            {
                // Every byte of a character stands for the whole of it.
                int bytes = Encoding.UTF8.GetByteCount(piece.Slice(at, width));
                at += width;
                for (int b = 0; b < bytes; b++)
                    ranges.Add((start, at));
                i += bytes - 1;
                continue;
            }
            if (ids[i] == unknownId && CharacterId(piece, at, width) < 0)
                at = EndOfUnknown(piece, at);
            else
                at = Math.Min(piece.Length, at + LengthOf(ids[i], isFirst: at == 0));
            ranges.Add((start, at));
        }
    }

    /// <summary>Whether merges go up to marks of spaces, and none goes over the start of a word: then words can be merged, and
    /// remembered, one by one.</summary>
    private bool StaysInWords(ReadOnlySpan<Merge> merges)
    {
        bool startsWords = false;
        foreach (Merge merge in merges)
        {
            ReadOnlySpan<char> piece = Vocabulary.PieceOf(merge.Merged);
            int letter = piece.IndexOfAnyExcept(Mark);
            if (letter >= 0 && piece[letter..].Contains(Mark))
                return false;
            startsWords |= piece[0] == Mark;
        }
        return startsWords;
    }

    private int EndOfUnknown(ReadOnlySpan<char> piece, int at)
    {
        do
            at += char.IsHighSurrogate(piece[at]) ? 2 : 1;
        while (Options.FuseUnknown && at < piece.Length && CharacterId(piece, at, char.IsHighSurrogate(piece[at]) ? 2 : 1) < 0);
        return at;
    }

    private int LengthOf(int id, bool isFirst)
    {
        string text = Vocabulary.PieceOf(id)!;
        int length = text.Length;
        if (!isFirst && Options.ContinuingPrefix.Length > 0 && text.StartsWith(Options.ContinuingPrefix, StringComparison.Ordinal))
            length -= Options.ContinuingPrefix.Length;
        if (Options.EndSuffix.Length > 0 && text.EndsWith(Options.EndSuffix, StringComparison.Ordinal))
            length -= Options.EndSuffix.Length;
        return length;
    }

    private int EncodeNew(ReadOnlySpan<char> piece, List<int> ids, (Random Random, double Probability)? dropout = null)
    {
        if (Options.IgnoreMerges && dropout is null && Vocabulary.IdOf(piece) is int whole and >= 0)
        {
            ids.Add(whole);
            return -1;
        }
        // A character is at most three UTF-8 bytes a code unit, and so at most three ids.
        int[] symbols = ArrayPool<int>.Shared.Rent(checked(3 * piece.Length));
        int unknown = Characters(piece, symbols, out int count);
        if (unknown < 0)
        {
            if (Merges.Count > 0)
                count = dropout is { } chance ? Merger.MergeWithDropout(table, symbols.AsSpan(0, count), chance)
                    : Merger.Merge(table, symbols.AsSpan(0, count));
            ids.AddRange(symbols.AsSpan(0, count));
        }
        ArrayPool<int>.Shared.Return(symbols);
        return unknown;
    }

    private int Characters(ReadOnlySpan<char> piece, Span<int> symbols, out int count)
    {
        count = 0;
        bool afterUnknown = false;
        for (int i = 0, width; i < piece.Length; i += width)
        {
            width = char.IsHighSurrogate(piece[i]) ? 2 : 1;
            int id = CharacterId(piece, i, width);
            if (id < 0 && byteIds is not null && TryBytes(piece.Slice(i, width), symbols[count..], out int bytes))
            {
                (count, afterUnknown) = (count + bytes, false);
                continue;
            }
            // As in the peers: a character without a piece, bytes and an unknown piece is left out.
            if (id < 0 && unknownId < 0)
                continue;
            if (id >= 0 || !afterUnknown || !Options.FuseUnknown)
                symbols[count++] = id >= 0 ? id : unknownId;
            afterUnknown = id < 0;
        }
        return -1;
    }

    private int CharacterId(ReadOnlySpan<char> piece, int index, int width)
    {
        if (plain)
            return piece[index] < directIds.Length ? directIds[piece[index]] : Vocabulary.IdOf(piece.Slice(index, width));
        string prefix = index > 0 ? Options.ContinuingPrefix : "", suffix = index + width == piece.Length ? Options.EndSuffix : "";
        return Vocabulary.IdOf(string.Concat(prefix, piece.Slice(index, width), suffix));
    }

    private bool TryBytes(ReadOnlySpan<char> character, Span<int> symbols, out int count)
    {
        Span<byte> utf8 = stackalloc byte[4];
        count = Encoding.UTF8.GetBytes(character, utf8);
        for (int i = 0; i < count; i++)
            if ((symbols[i] = byteIds![utf8[i]]) < 0)
                return false;
        return true;
    }
}
