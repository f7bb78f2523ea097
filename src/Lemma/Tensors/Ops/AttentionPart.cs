using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Lemma.Tensors;

/// <summary>Some queries of some heads that share a key/value head: what a thread takes at a time, a function of the shape alone.</summary>
/// <param name="Sequence">Their sequence.</param>
/// <param name="FirstHead">The first head.</param>
/// <param name="Group">How many heads.</param>
/// <param name="FirstQuery">The first query.</param>
/// <param name="Queries">How many queries.</param>
/// <param name="Partial">The first row of its own sums of dK and dV; −1 where it adds to the gradients themselves.</param>
/// <param name="TermRow">The first row of its own sums of the gradients of score terms, a row a head.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct AttentionPart(int Sequence, int FirstHead, int Group, int FirstQuery, int Queries, int Partial = -1, int TermRow = 0)
{
    // One long sequence of one head keeps all threads busy, and packing its keys again costs little.
    private const int ForwardQueries = 504;

    // A backward has so many parts a sequence at least, if it is longer than ForwardQueries: each has sums of its own, which cost memory.
    private const int BackwardParts = 8;

    // Lines of queries and their heads over pages: some panels of the tile.
    private const int LinesAPart = 96;

    // Whole panels of every tile.
    private const int Panel = 12;

    private static readonly int Size = Unsafe.SizeOf<AttentionPart>() / sizeof(int);

    /// <summary>Parts that were made as whole numbers of a tape.</summary>
    public static ReadOnlySpan<AttentionPart> All(ReadOnlyMemory<int> parts) => MemoryMarshal.Cast<int, AttentionPart>(parts.Span);

    /// <summary>Parts of a forward; a long sequence is cut, what sees most first.</summary>
    public static ReadOnlyMemory<int> Forward(Tape tape, ReadOnlySpan<int> offsets, in AttentionHeads heads)
    {
        int each = Single(heads) ? 1 : heads.Group, count = 0;
        for (int sequence = 0; sequence < offsets.Length - 1; sequence++)
        {
            int length = offsets[sequence + 1] - offsets[sequence];
            count += length > ForwardQueries ? heads.Heads * Cut(length, Ranges(length)).Count : heads.Heads / each;
        }
        Memory<int> memory = tape.TakeIntegers(count * Size);
        Span<AttentionPart> next = MemoryMarshal.Cast<int, AttentionPart>(memory.Span);
        for (int sequence = 0; sequence < offsets.Length - 1; sequence++)
        {
            int length = offsets[sequence + 1] - offsets[sequence];
            bool isCut = length > ForwardQueries;
            Add(ref next, sequence, length, isCut ? Ranges(length) : 1, isCut ? 1 : each, heads);
        }
        return memory;
    }

    /// <summary>Parts of a backward: a key/value head of a sequence, or where these are few and long, its heads and ranges of queries.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="offsets">Where sequences of queries begin.</param>
    /// <param name="job">The work; it knows how many keys a part sees.</param>
    /// <param name="partialRows">Rows of dK and dV that parts have of their own.</param>
    /// <param name="termRows">Rows of the gradients of score terms.</param>
    public static ReadOnlyMemory<int> Backward(Tape tape, ReadOnlySpan<int> offsets, in AttentionJob job, out int partialRows, out int termRows)
    {
        AttentionHeads heads = job.Heads;
        int each = Single(heads) ? 1 : heads.Group, count = 0, fewest = (BackwardParts + heads.Heads - 1) / heads.Heads;
        for (int sequence = 0; sequence < offsets.Length - 1; sequence++)
        {
            int length = offsets[sequence + 1] - offsets[sequence];
            count += IsFew(length, heads) ? heads.Heads * Cut(length, Math.Min(fewest, Ranges(length))).Count : heads.Heads / each;
        }
        Memory<int> memory = tape.TakeIntegers(count * Size);
        Span<AttentionPart> next = MemoryMarshal.Cast<int, AttentionPart>(memory.Span), all = next;
        for (int sequence = 0; sequence < offsets.Length - 1; sequence++)
        {
            int length = offsets[sequence + 1] - offsets[sequence];
            bool isCut = IsFew(length, heads);
            Add(ref next, sequence, length, isCut ? Math.Min(fewest, Ranges(length)) : 1, isCut ? 1 : each, heads);
        }
        (partialRows, termRows) = (0, 0);
        for (int i = 0; i < all.Length; i++)
        {
            AttentionPart part = all[i];
            // The first part of a key/value head, which holds the last queries, adds to the gradients themselves.
            bool isFirst = part.FirstHead % heads.Group == 0 && part.FirstQuery + part.Queries == offsets[part.Sequence + 1] - offsets[part.Sequence];
            all[i] = part with { Partial = isFirst ? -1 : partialRows, TermRow = termRows };
            partialRows = isFirst ? partialRows : checked(partialRows + job.KeysOf(part));
            termRows += part.Group;
        }
        return memory;
    }

    /// <summary>Parts of a forward over pages, of some panels each; later queries see more and come first.</summary>
    public static ReadOnlyMemory<int> Lines(Tape tape, ReadOnlySpan<int> lengths, in AttentionHeads heads)
    {
        int group = Single(heads) ? 1 : heads.Group, each = Math.Max(1, LinesAPart / group), count = 0;
        foreach (int length in lengths)
            count += (length + each - 1) / each * (heads.Heads / group);
        Memory<int> memory = tape.TakeIntegers(count * Size);
        Span<AttentionPart> next = MemoryMarshal.Cast<int, AttentionPart>(memory.Span);
        for (int sequence = 0; sequence < lengths.Length; sequence++)
        {
            for (int first = (lengths[sequence] - 1) / each * each; first >= 0; first -= each)
                AddHeads(ref next, sequence, first, Math.Min(each, lengths[sequence] - first), group, heads);
        }
        return memory;
    }

    private static bool IsFew(int length, in AttentionHeads heads) => length > ForwardQueries && heads.KeyValueHeads < BackwardParts;

    private static bool Single(in AttentionHeads heads) => heads.Pattern is { TakesHeadsAlone: true };

    private static int Ranges(int length) => (length + ForwardQueries - 1) / ForwardQueries;

    // Ranges of about equal size, whole panels but for the last.
    private static (int Size, int Count) Cut(int length, int ranges)
    {
        int size = ranges == 1 ? length : ((length + ranges - 1) / ranges + Panel - 1) / Panel * Panel;
        return (size, ranges == 1 ? 1 : (length + size - 1) / size);
    }

    private static void Add(ref Span<AttentionPart> next, int sequence, int length, int ranges, int group, in AttentionHeads heads)
    {
        (int size, int count) = Cut(length, ranges);
        for (int range = count - 1; range >= 0; range--)
            AddHeads(ref next, sequence, range * size, Math.Min(size, length - range * size), group, heads);
    }

    private static void AddHeads(ref Span<AttentionPart> next, int sequence, int first, int queries, int group, in AttentionHeads heads)
    {
        for (int head = 0; head < heads.Heads; head += group)
        {
            next[0] = new AttentionPart(sequence, head, group, first, queries);
            next = next[1..];
        }
    }
}
