namespace Lemma.Decoding;

/// <summary>Guesses by what followed the same last ids in any text before, of one user or of many: a table of fixed size, the latest text wins.</summary>
/// <remarks>
/// A place of the table is chosen by the last ids alone, so looking up and learning take the same time whatever it has seen. It learns from texts as they grow; two
/// runs of ids may share a place, and a wrong guess costs a row of a pass. For one generator at a time. As <c>ngram-mod</c> of llama.cpp.
/// </remarks>
public sealed class IdPool : Speculator
{
    private readonly int[] next;
    private readonly int order;
    private int seen;

    /// <summary>An empty pool.</summary>
    /// <param name="order">How many last ids choose a place.</param>
    /// <param name="places">Places, a power of two: 4 bytes each.</param>
    public IdPool(int order = 3, int places = 1 << 20)
    {
        Require.That(order is > 0 and <= 16, $"speculation: 1 to 16 last ids choose a guess, not {order}");
        Require.That(places > 0 && int.IsPow2(places), $"speculation: a pool has a power of two of places, not {places}");
        (this.order, next) = (order, new int[places]);
        next.AsSpan().Fill(-1);
    }

    /// <inheritdoc/>
    public override int Guess(ReadOnlySpan<int> ids, Span<int> guesses)
    {
        // A shorter text is another one.
        for (seen = seen > ids.Length ? 0 : seen; seen < ids.Length; seen++)
        {
            if (seen >= order)
                next[PlaceOf(ids[(seen - order)..seen])] = ids[seen];
        }
        if (ids.Length < order)
            return 0;
        Span<int> last = stackalloc int[order];
        ids[^order..].CopyTo(last);
        for (int count = 0; ; count++)
        {
            int id = count == guesses.Length ? -1 : next[PlaceOf(last)];
            if (id < 0)
                return count;
            guesses[count] = id;
            last[1..].CopyTo(last);
            last[^1] = id;
        }
    }

    private int PlaceOf(ReadOnlySpan<int> ids)
    {
        ulong hash = 14695981039346656037;
        foreach (int id in ids)
            hash = (hash ^ (uint)id) * 0x9E3779B97F4A7C15;
        return (int)(hash >> 20) & (next.Length - 1);
    }
}
