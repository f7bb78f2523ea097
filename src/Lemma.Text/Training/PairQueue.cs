using System.Runtime.CompilerServices;

namespace Lemma.Text.Training;

/// <summary>Pairs by their ranks, the first of all on top; each at most once, and it can move up while it waits.</summary>
/// <remarks>A heap of four children a node in an array, and where in it each slot is.</remarks>
internal sealed class PairQueue
{
    private const int Children = 4;
    private (PairRank Rank, int Slot)[] heap = new (PairRank, int)[1 << 12];
    private int[] places = [];
    private int count;

    /// <summary>The first pair and the rank under which it was queued; false where there is none.</summary>
    public bool TryPeek(out int slot, out PairRank rank)
    {
        (rank, slot) = heap[0];
        return count > 0;
    }

    /// <summary>Queues a slot, or moves it up; nothing happens where it waits with as good a rank.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Offer(int slot, PairRank rank)
    {
        if (slot >= places.Length)
            Array.Resize(ref places, Math.Max(2 * places.Length, slot + 1));
        // Places count from 1, so that 0 is for slots that do not wait.
        int place = places[slot] - 1;
        if (place >= 0 && rank.CompareTo(heap[place].Rank) >= 0)
            return;
        if (place < 0)
        {
            if (count == heap.Length)
                Array.Resize(ref heap, 2 * count);
            place = count++;
        }
        MoveUp(place, (rank, slot));
    }

    /// <summary>Takes the first pair away.</summary>
    public void RemoveFirst()
    {
        places[heap[0].Slot] = 0;
        if (--count > 0)
            MoveDown(heap[count]);
    }

    /// <summary>Gives the first pair a rank that is not better than its own.</summary>
    public void LowerFirst(PairRank rank) => MoveDown((rank, heap[0].Slot));

    private void MoveUp(int place, (PairRank Rank, int Slot) entry)
    {
        while (place > 0 && entry.Rank.CompareTo(heap[(place - 1) / Children].Rank) < 0)
        {
            Put(place, heap[(place - 1) / Children]);
            place = (place - 1) / Children;
        }
        Put(place, entry);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MoveDown((PairRank Rank, int Slot) entry)
    {
        int place = 0;
        while (true)
        {
            int best = (Children * place) + 1, end = Math.Min(best + Children, count);
            for (int child = best + 1; child < end; child++)
                if (heap[child].Rank.CompareTo(heap[best].Rank) < 0)
                    best = child;
            if (best >= count || heap[best].Rank.CompareTo(entry.Rank) >= 0)
                break;
            Put(place, heap[best]);
            place = best;
        }
        Put(place, entry);
    }

    private void Put(int place, (PairRank Rank, int Slot) entry)
    {
        heap[place] = entry;
        places[entry.Slot] = place + 1;
    }
}
