namespace Lemma.Tensors;

/// <summary>How an operation sends the gradient of its outputs to its inputs; a static lambda over the captures.</summary>
public delegate void Backward<TState>(Tape tape, in TState state);

/// <summary>The recorded operations in order. Captures lie in one array a type, so recording allocates nothing once the arrays have grown.</summary>
internal sealed class OperationLog
{
    private readonly List<(Slab Slab, int Index, int NodesAfter)> entries = [];
    private Slab?[] slabs = [];

    public int Count => entries.Count;

    public int NodesAfter(int entry) => entries[entry].NodesAfter;

    public void Add<TState>(in TState state, Backward<TState> backward, int nodesAfter)
    {
        Slab<TState> slab = SlabOf<TState>();
        entries.Add((slab, slab.Add(state, backward), nodesAfter));
    }

    public void Run(int entry, Tape tape) => entries[entry].Slab.Run(entries[entry].Index, tape);

    public void Truncate(int count)
    {
        for (int i = entries.Count - 1; i >= count; i--)
            entries[i].Slab.RemoveLast();
        entries.RemoveRange(count, entries.Count - count);
    }

    private Slab<TState> SlabOf<TState>()
    {
        int id = SlabId<TState>.Value;
        if (id >= slabs.Length)
            Array.Resize(ref slabs, id + 8);
        return (Slab<TState>)(slabs[id] ??= new Slab<TState>());
    }

    private static class SlabId
    {
        private static int next = -1;

        public static int Next() => Interlocked.Increment(ref next);
    }

    private static class SlabId<TState>
    {
        public static readonly int Value = SlabId.Next();
    }

    private abstract class Slab
    {
        public abstract void Run(int index, Tape tape);

        public abstract void RemoveLast();
    }

    private sealed class Slab<TState> : Slab
    {
        private (TState State, Backward<TState> Backward)[] items = new (TState, Backward<TState>)[16];
        private int count;

        public int Add(in TState state, Backward<TState> backward)
        {
            if (count == items.Length)
                Array.Resize(ref items, 2 * count);
            items[count] = (state, backward);
            return count++;
        }

        public override void Run(int index, Tape tape) => items[index].Backward(tape, in items[index].State);

        public override void RemoveLast() => items[--count] = default;
    }
}
