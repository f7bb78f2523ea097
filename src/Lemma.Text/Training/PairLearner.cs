using System.Runtime.CompilerServices;

namespace Lemma.Text.Training;

/// <summary>By what pairs are chosen and when they stop being joined.</summary>
/// <param name="VocabularySize">The most pieces.</param>
/// <param name="MinimumFrequency">The least number of times that a pair must occur.</param>
/// <param name="LongestPiece">The most units of a piece; null for any.</param>
/// <param name="Score">By what the next pair is chosen.</param>
/// <param name="ContinuingPrefix">What the right piece of a pair starts with, and loses where it joins the left one.</param>
internal sealed record PairRules(
    int VocabularySize, long MinimumFrequency, int? LongestPiece, WordPieceScore Score = WordPieceScore.Frequency, string ContinuingPrefix = "");

/// <summary>Joins the pair of the highest score, again and again, until the vocabulary is full.</summary>
/// <remarks>The queue is lazy: a pair whose score fell is found out when it comes first, and waits on with the score of today. A pair whose
/// score rises moves up at once, so a first one whose rank is still true is the first of all.</remarks>
internal sealed class PairLearner(PairTable table, PieceList pieces, PairRules rules)
{
    private readonly PairQueue queue = new();
    private readonly List<int> grown = [];

    /// <summary>Joins pairs; returns the pieces of each in the order of joining.</summary>
    public List<(string Left, string Right)> Run(IProgress<TrainerProgress>? progress, CancellationToken cancellation)
    {
        List<(string, string)> joins = [];
        HashSet<ulong> joined = [];
        int first = pieces.Count;
        OfferGrown();
        while (pieces.Count < rules.VocabularySize && queue.TryPeek(out int slot, out PairRank rank))
        {
            PairRank current = RankOf(slot);
            if (current.Count < rules.MinimumFrequency)
            {
                queue.RemoveFirst();
                continue;
            }
            if (current != rank)
            {
                queue.LowerFirst(current);
                continue;
            }
            queue.RemoveFirst();
            (int left, int right) = table.IdsOf(slot);
            (string leftPiece, string rightPiece) = (pieces.Texts[left], pieces.Texts[right]);
            // Two different pairs can make the same piece: then it keeps the id it has.
            int id = pieces.IdOf(leftPiece + rightPiece[rules.ContinuingPrefix.Length..], pieces.LengthOf(left) + pieces.LengthOf(right));
            if (joined.Add(rank.Pair))
                joins.Add((leftPiece, rightPiece));
            table.Join(slot, id);
            OfferGrown();
            if (rules.Score == WordPieceScore.Likelihood)
            {
                // The two ids became rarer, so all their pairs count more.
                table.SlotsOfId(left).ForEach(Offer);
                table.SlotsOfId(right).ForEach(Offer);
            }
            if ((joins.Count & 255) == 0)
            {
                cancellation.ThrowIfCancellationRequested();
                progress?.Report(TrainerProgress.OfLearning((pieces.Count - first) / (double)(rules.VocabularySize - first)));
            }
        }
        progress?.Report(TrainerProgress.OfLearning(1));
        return joins;
    }

    private void OfferGrown()
    {
        table.TakeGrown(grown);
        grown.ForEach(Offer);
    }

    /// <summary>Queues a pair that may be joined.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Offer(int slot)
    {
        (int left, int right) = table.IdsOf(slot);
        if (table.CountOf(slot) < rules.MinimumFrequency || pieces.LengthOf(left) + pieces.LengthOf(right) > rules.LongestPiece)
            return;
        queue.Offer(slot, RankOf(slot));
    }

    private PairRank RankOf(int slot)
    {
        long count = table.CountOf(slot);
        (int left, int right) = table.IdsOf(slot);
        double score = rules.Score == WordPieceScore.Frequency ? count : count / ((double)table.CountOfId(left) * table.CountOfId(right));
        return new PairRank(score, count, PairTable.Key(left, right));
    }
}
