using System.Buffers;
using System.Runtime.CompilerServices;

namespace Lemma.Text.Models;

/// <summary>Merges a row of ids: always the pair of the lowest rank, the leftmost of equals, until none is left.</summary>
internal static class Merger
{
    /// <summary>From this length on a heap is faster than looking at every pair again.</summary>
    private const int LongPiece = 48;

    /// <summary>Merges in place; returns the number of ids left at the front of the span.</summary>
    /// <param name="table">The merges.</param>
    /// <param name="ids">The ids.</param>
    /// <param name="fewest">Merging ends when so many ids are left.</param>
    public static int Merge(MergeTable table, Span<int> ids, int fewest = 1) =>
        ids.Length < LongPiece ? MergeShort(table, ids, fewest) : MergeLong(table, ids, fewest, null);

    /// <summary>Merges in place as <see cref="Merge"/>, but for each next merge every pair is passed over with a probability.</summary>
    /// <remarks>Provilkov, Emelianenko and Voita 2020, "BPE-dropout": at 0 all merges are made, at 1 none.</remarks>
    public static int MergeWithDropout(MergeTable table, Span<int> ids, (Random Random, double Probability) dropout) =>
        MergeLong(table, ids, 1, dropout);

    [SkipLocalsInit]
    private static int MergeShort(MergeTable table, Span<int> ids, int fewest)
    {
        Span<int> ranks = stackalloc int[LongPiece], merged = stackalloc int[LongPiece];
        int count = ids.Length;
        for (int i = 0; i + 1 < count; i++)
            table.TryGet(ids[i], ids[i + 1], out ranks[i], out merged[i]);
        while (count > fewest)
        {
            int best = 0;
            for (int i = 1; i < count - 1; i++)
                if (ranks[i] < ranks[best])
                    best = i;
            if (ranks[best] == int.MaxValue)
                break;
            ids[best] = merged[best];
            ids[(best + 2)..count].CopyTo(ids[(best + 1)..]);
            ranks[(best + 1)..(count - 1)].CopyTo(ranks[best..]);
            merged[(best + 1)..(count - 1)].CopyTo(merged[best..]);
            count--;
            if (best + 1 < count)
                table.TryGet(ids[best], ids[best + 1], out ranks[best], out merged[best]);
            if (best > 0)
                table.TryGet(ids[best - 1], ids[best], out ranks[best - 1], out merged[best - 1]);
        }
        return count;
    }

    /// <summary>A linked row of ids and a heap of its pairs; a pair that has changed since it was pushed is passed over.</summary>
    private static int MergeLong(MergeTable table, Span<int> ids, int fewest, (Random Random, double Probability)? dropout)
    {
        int count = ids.Length, merges = 0;
        int[] links = ArrayPool<int>.Shared.Rent(2 * count);
        Span<int> next = links.AsSpan(0, count), previous = links.AsSpan(count, count);
        PriorityQueue<(int Left, int LeftId, int RightId), long> queue = new(count);
        for (int i = 0; i < count; i++)
            (next[i], previous[i]) = (i + 1 < count ? i + 1 : -1, i - 1);
        for (int i = 0; i + 1 < count; i++)
            Push(table, queue, ids, i, i + 1);
        List<((int Left, int LeftId, int RightId) Pair, long Order)> passed = [];
        while (count - merges > fewest && queue.TryDequeue(out (int Left, int LeftId, int RightId) pair, out long order))
        {
            int left = pair.Left, right = next[left];
            if (right < 0 || ids[left] != pair.LeftId || ids[right] != pair.RightId)
                continue;
            if (dropout is { } chance && chance.Random.NextDouble() < chance.Probability)
            {
                passed.Add((pair, order));
                continue;
            }
            queue.EnqueueRange(passed);
            passed.Clear();
            table.TryGet(pair.LeftId, pair.RightId, out _, out int merged);
            (ids[left], ids[right]) = (merged, -1);
            merges++;
            next[left] = next[right];
            if (next[left] >= 0)
            {
                previous[next[left]] = left;
                Push(table, queue, ids, left, next[left]);
            }
            if (previous[left] >= 0)
                Push(table, queue, ids, previous[left], left);
        }
        int kept = 0;
        for (int i = 0; i >= 0; i = next[i])
            ids[kept++] = ids[i];
        ArrayPool<int>.Shared.Return(links);
        return kept;
    }

    private static void Push(
        MergeTable table, PriorityQueue<(int Left, int LeftId, int RightId), long> queue, Span<int> ids, int left, int right)
    {
        if (table.TryGet(ids[left], ids[right], out int rank, out _))
            queue.Enqueue((left, ids[left], ids[right]), ((long)rank << 32) | (uint)left);
    }
}
