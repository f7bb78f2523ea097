using System.Buffers;
using System.Text;
using Lemma.Text.Decoding;

namespace Lemma.Text.Models;

/// <summary>Unigram: of all ways to cut a text into pieces the one with the highest sum of their log probabilities (Viterbi).</summary>
/// <remarks>A scalar that no piece covers is unknown, at 10 below the least probable piece; neighbours become one unknown piece.
/// Kudo 2018, "Subword regularization".</remarks>
public sealed class UnigramModel : TokenModel
{
    private const double UnknownPenalty = 10;

    // Where SentencePiece 0.2.2 lets a sum begin anew, since float32 has no digits left for the differences.
    private const float LargestSum = 100_000;

    private readonly PieceCache cache = new();
    private readonly double unknownScore;
    private readonly bool isSinglePrecision;
    private readonly int[]? byteIds;

    /// <summary>A model of pieces and their log probabilities; ids are the places in the list.</summary>
    /// <param name="pieces">The pieces.</param>
    /// <param name="unknownId">The id of the unknown piece; null for none.</param>
    /// <param name="byteFallback">Whether unknown text becomes the pieces &lt;0x00&gt; to &lt;0xFF&gt; of its bytes.</param>
    /// <param name="unusable">Pieces that encoding never makes, such as control tokens; null for none.</param>
    /// <param name="isSinglePrecision">Whether sums are rounded to float32 at each piece and begin anew beyond 100,000, as SentencePiece has it,
    /// which decides between ways of equal probability.</param>
    /// <exception cref="ArgumentException">A piece occurs twice, a score is not finite, or the unknown id is none.</exception>
    public UnigramModel(
        IReadOnlyList<(string Piece, double Score)> pieces, int? unknownId, bool byteFallback = false, IReadOnlySet<int>? unusable = null,
        bool isSinglePrecision = false)
        : base(new Vocabulary([.. pieces.Select(static piece => piece.Piece)]))
    {
        if (unknownId is int unknown && (unknown < 0 || unknown >= pieces.Count))
            throw new ArgumentException($"unigram: the unknown id must be in 0 to {pieces.Count - 1}, but is {unknown}");
        (Pieces, UnknownId, ByteFallback, Unusable) = (pieces, unknownId, byteFallback, unusable);
        this.isSinglePrecision = isSinglePrecision;
        Scores = [.. pieces.Select(static piece => piece.Score)];
        double least = 0;
        for (int id = 0; id < pieces.Count; id++)
        {
            if (!double.IsFinite(Scores[id]))
                throw new ArgumentException($"unigram: the score of '{pieces[id].Piece}' must be finite, but is {Scores[id]}");
            if (unusable?.Contains(id) == true)
                continue;
            least = Math.Min(least, Scores[id]);
            if (pieces[id].Piece.Length > 0)
                Trie.Add(pieces[id].Piece, id);
        }
        unknownScore = isSinglePrecision ? (float)least - (float)UnknownPenalty : least - UnknownPenalty;
        if (byteFallback)
            byteIds = [.. Enumerable.Range(0, 256).Select(value => Vocabulary.IdOf(ByteFallbackDecoder.PieceOf((byte)value)))];
        if (byteIds?.Any(static id => id < 0) == true)
            byteIds = null;
    }

    /// <summary>The pieces and their log probabilities.</summary>
    public IReadOnlyList<(string Piece, double Score)> Pieces { get; }

    /// <summary>The id of the unknown piece; null for none.</summary>
    public int? UnknownId { get; }

    /// <summary>Whether unknown text becomes bytes.</summary>
    public bool ByteFallback { get; }

    /// <summary>Pieces that encoding never makes; null for none.</summary>
    internal IReadOnlySet<int>? Unusable { get; }

    internal PieceTrie Trie { get; } = new();

    internal double[] Scores { get; }

    internal double UnknownScore => unknownScore;

    /// <inheritdoc/>
    public override int Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (piece.Length > PieceCache.LongestPiece)
            return EncodeNew(piece, ids, null);
        uint hash = PieceCache.HashOf(piece);
        if (cache.TryAppend(piece, hash, ids))
            return -1;
        int first = ids.Count, unknown = EncodeNew(piece, ids, null);
        if (unknown < 0)
            cache.Remember(piece, hash, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ids)[first..]);
        return unknown;
    }

    /// <inheritdoc/>
    internal override void Locate(ReadOnlySpan<char> piece, ReadOnlySpan<int> ids, List<(int Start, int End)> ranges) =>
        EncodeNew(piece, [], ranges);

    /// <summary>The best ways to cut a piece of text, at most <paramref name="count"/>, with their log probabilities.</summary>
    /// <remarks>Unknown scalars have the unknown id, or −1 where there is none.</remarks>
    public IReadOnlyList<(double Score, int[] Ids)> EncodeBest(string piece, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        return [.. UnigramLattice.Best(this, piece, count).Select(way => (way.Score, WithUnknown(way.Ids)))];
    }

    /// <summary>A way to cut a piece of text, drawn with a probability proportional to its own to the power of alpha.</summary>
    /// <param name="piece">The text.</param>
    /// <param name="alpha">0 for all ways alike; the greater, the more the best are preferred.</param>
    /// <param name="random">Where chance comes from.</param>
    public int[] EncodeSample(string piece, double alpha, Random random) =>
        WithUnknown(UnigramLattice.Sample(this, piece, alpha, random));

    private int[] WithUnknown(int[] ids) => [.. ids.Select(id => id >= 0 ? id : UnknownId ?? -1)];

    private int EncodeNew(ReadOnlySpan<char> text, List<int> ids, List<(int Start, int End)>? ranges)
    {
        int places = text.Length + 1;
        double[] best = ArrayPool<double>.Shared.Rent(places);
        (int From, int Id)[] steps = ArrayPool<(int, int)>.Shared.Rent(places);
        try
        {
            FindBest(text, best, steps);
            return Append(text, steps, ids, ranges);
        }
        finally
        {
            ArrayPool<double>.Shared.Return(best);
            ArrayPool<(int, int)>.Shared.Return(steps);
        }
    }

    private void FindBest(ReadOnlySpan<char> text, Span<double> best, Span<(int From, int Id)> steps)
    {
        for (int i = 1; i <= text.Length; i++)
            steps[i] = (-1, -1);
        best[0] = 0;
        for (int start = 0, width, reached = 0; start < text.Length; start += width)
        {
            if (isSinglePrecision && Math.Abs(best[start]) > LargestSum)
                BeginAnew(best[start..(reached + 1)], steps[start..(reached + 1)]);
            width = char.IsHighSurrogate(text[start]) ? 2 : 1;
            bool single = false;
            int node = Trie.First(text[start]);
            for (int end = start + 1; node > 0; end++)
            {
                int id = Trie.IdAt(node);
                if (id >= 0)
                {
                    double score = Sum(best[start], Scores[id]);
                    if (steps[end].From < 0 || score > best[end])
                        (best[end], steps[end]) = (score, (start, id));
                    single |= end == start + width;
                    reached = Math.Max(reached, end);
                }
                node = end < text.Length ? Trie.Next(node, text[end]) : 0;
            }
            double unknown = Sum(best[start], unknownScore);
            if (!single && (steps[start + width].From < 0 || unknown > best[start + width]))
                (best[start + width], steps[start + width]) = (unknown, (start, -1));
            reached = Math.Max(reached, start + width);
        }
    }

    private static void BeginAnew(Span<double> best, ReadOnlySpan<(int From, int Id)> steps)
    {
        float sum = (float)best[0];
        for (int i = 0; i < best.Length; i++)
            if (steps[i].From >= 0)
                best[i] = (float)best[i] - sum;
    }

    private double Sum(double before, double score) => isSinglePrecision ? (float)before + (float)score : before + score;

    private int Append(ReadOnlySpan<char> text, Span<(int From, int Id)> steps, List<int> ids, List<(int Start, int End)>? ranges)
    {
        // Walks back once to link the steps forward: the id and the end of each step are put at its start.
        int next = text.Length;
        for (int at = text.Length, id = steps[at].Id, from = steps[at].From; at > 0;)
        {
            (int before, int idBefore) = from > 0 ? steps[from] : (-1, -1);
            steps[from] = (next, id);
            (next, at) = (from, from);
            (from, id) = (before, idBefore);
        }
        for (int at = 0; at < text.Length;)
        {
            (int end, int id) = steps[at];
            if (id < 0)
            {
                while (end < text.Length && steps[end].Id < 0)
                    end = steps[end].From;
                if (!AppendUnknown(text[at..end], (at, end), ids, ranges))
                    return at;
            }
            else
            {
                ids.Add(id);
                ranges?.Add((at, end));
            }
            at = end;
        }
        return -1;
    }

    private bool AppendUnknown(ReadOnlySpan<char> text, (int, int) range, List<int> ids, List<(int Start, int End)>? ranges)
    {
        // Neighbours that are unknown one by one may together be a piece that encoding does not make.
        int whole = Vocabulary.IdOf(text);
        if (whole < 0 && byteIds is not null)
        {
            foreach (byte value in Encoding.UTF8.GetBytes(text.ToString()))
            {
                ids.Add(byteIds[value]);
                ranges?.Add(range);
            }
            return true;
        }
        if (whole < 0 && UnknownId is null)
            return false;
        ids.Add(whole >= 0 ? whole : UnknownId!.Value);
        ranges?.Add(range);
        return true;
    }
}
