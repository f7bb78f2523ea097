using System.Buffers;

namespace Lemma.Text.Models;

/// <summary>WordPiece: the longest piece that a word starts with, again and again; a word that does not come out is unknown.</summary>
/// <remarks>Schuster and Nakajima 2012; Wu et al. 2016, "Google's neural machine translation system".</remarks>
public sealed class WordPieceModel : TokenModel
{
    private readonly PieceCache cache = new();
    private readonly int unknownId, longest;

    /// <summary>A model of a vocabulary.</summary>
    /// <param name="vocabulary">The pieces; those inside of words start with the prefix.</param>
    /// <param name="unknownPiece">The piece of words that do not come out.</param>
    /// <param name="continuingPrefix">What pieces inside of words start with; may be empty.</param>
    /// <param name="mostCharacters">Words of more Unicode scalars are unknown.</param>
    public WordPieceModel(Vocabulary vocabulary, string unknownPiece = "[UNK]", string continuingPrefix = "##", int mostCharacters = 100)
        : base(vocabulary)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(mostCharacters);
        (UnknownPiece, ContinuingPrefix, MostCharacters) = (unknownPiece, continuingPrefix, mostCharacters);
        unknownId = vocabulary.IdOf(unknownPiece);
        longest = vocabulary.LongestPiece;
    }

    /// <summary>The piece of words that do not come out; such a word is an error when the vocabulary lacks it.</summary>
    public string UnknownPiece { get; }

    /// <summary>What pieces inside of words start with.</summary>
    public string ContinuingPrefix { get; }

    /// <summary>Words of more Unicode scalars are unknown.</summary>
    public int MostCharacters { get; }

    /// <inheritdoc/>
    public override int Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (piece.Length > PieceCache.LongestPiece)
            return EncodeNew(piece, ids);
        uint hash = PieceCache.HashOf(piece);
        if (cache.TryAppend(piece, hash, ids))
            return -1;
        int first = ids.Count, unknown = EncodeNew(piece, ids);
        if (unknown < 0)
            cache.Remember(piece, hash, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ids)[first..]);
        return unknown;
    }

    /// <inheritdoc/>
    internal override void Locate(ReadOnlySpan<char> piece, ReadOnlySpan<int> ids, List<(int Start, int End)> ranges)
    {
        if (ids.Length == 1)
        {
            ranges.Add((0, piece.Length));
            return;
        }
        int at = 0;
        foreach (int id in ids)
        {
            int length = Vocabulary.PieceOf(id)!.Length - (at > 0 ? ContinuingPrefix.Length : 0);
            ranges.Add((at, at += length));
        }
    }

    private int EncodeNew(ReadOnlySpan<char> piece, List<int> ids)
    {
        int first = ids.Count;
        if (piece.Length <= 2L * MostCharacters && ScalarCount(piece) <= MostCharacters && TryEncode(piece, ids))
            return -1;
        ids.RemoveRange(first, ids.Count - first);
        if (unknownId < 0)
            return 0;
        ids.Add(unknownId);
        return -1;
    }

    private bool TryEncode(ReadOnlySpan<char> piece, List<int> ids)
    {
        // The prefix is written over what is already encoded, so that prefix and rest stand together.
        int prefix = ContinuingPrefix.Length;
        char[] rented = ArrayPool<char>.Shared.Rent(prefix + piece.Length);
        Span<char> word = rented.AsSpan(0, prefix + piece.Length);
        piece.CopyTo(word[prefix..]);
        int start = 0;
        while (start < piece.Length)
        {
            int from = start == 0 ? prefix : start;
            if (start > 0)
                ContinuingPrefix.CopyTo(word[start..]);
            int end = Math.Min(word.Length, from + longest), id = -1;
            for (; end > start + prefix && (id = Vocabulary.IdOf(word[from..end])) < 0; end--)
                if (char.IsLowSurrogate(word[end - 1]))
                    end--;
            if (id < 0)
                break;
            ids.Add(id);
            start = end - prefix;
        }
        ArrayPool<char>.Shared.Return(rented);
        return start >= piece.Length;
    }

    private static int ScalarCount(ReadOnlySpan<char> text)
    {
        int count = text.Length;
        foreach (char c in text)
            if (char.IsLowSurrogate(c))
                count--;
        return count;
    }
}
