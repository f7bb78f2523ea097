using Lemma.Models;
using Lemma.Sequences;
using Lemma.Weights;

namespace Lemma.Decoding;

/// <summary>The states of a batcher: those that run are known by their prompts, those that are idle are kept for theirs, the oldest dropped first.</summary>
internal sealed class StateStore : IDisposable
{
    // Waiting for another text to read some ids costs a pass or two, so a few ids are read at once.
    private const int WorthWaiting = 16;
    private readonly List<(Adapter? Adapter, PrefixTree<IHasPrefix> Tree)> trees = [];
    private readonly LinkedList<IdleState> idle = [];
    private readonly ByteCounter counter = new();
    private readonly Decoder model;
    private readonly LayerState[] measure;
    private readonly bool shares, keeps, canWait;

    /// <summary>No states yet.</summary>
    /// <param name="model">Whose states.</param>
    /// <param name="keeps">Whether idle states are kept.</param>
    public StateStore(Decoder model, bool keeps)
    {
        this.model = model;
        // Where angles depend on the length of a sequence, a shorter prompt's keys are others.
        shares = !model.Reader.DependsOnLength;
        this.keeps = keeps && shares;
        measure = [.. model.NewLayers(model.CacheFormat)];
        canWait = measure.All(layer => layer.CanBeCut);
    }

    /// <summary>Bytes of all states.</summary>
    public long Bytes => counter.Bytes;

    /// <summary>States that are kept for their prefixes.</summary>
    public int Idle => idle.Count;

    /// <summary>The bytes of one state of some tokens.</summary>
    public long BytesOf(int tokens) => measure.Sum(layer => layer.BytesAt(tokens, model.CacheFormat));

    /// <summary>The bytes that reading some ids takes, of which a state may have the first ones, at most so many.</summary>
    public long Missing(ReadOnlyMemory<int> ids, Adapter? adapter, int most)
    {
        int held = 0;
        foreach ((IHasPrefix item, int common) in Known(ids, adapter))
        {
            if (common <= held)
                break;
            held = Math.Max(held, Math.Min(Math.Min(common, most), item.Length));
        }
        return BytesOf(ids.Length) - BytesOf(held);
    }

    /// <summary>
    /// A state with the longest prefix of some ids that there is, up to a length; null where another text that reads now is worth waiting for.
    /// </summary>
    /// <param name="ids">The ids.</param>
    /// <param name="adapter">What changes the model for them: other states know nothing of it.</param>
    /// <param name="most">The most ids of the prefix, fewer than there are ids.</param>
    /// <param name="goesBefore">Whether a running text is served at least as soon.</param>
    public SequenceState? Find(ReadOnlyMemory<int> ids, Adapter? adapter, int most, Predicate<BatchedSequence> goesBefore)
    {
        IHasPrefix? source = null;
        int best = 0, coming = 0;
        foreach ((IHasPrefix item, int common) in Known(ids, adapter))
        {
            if (common <= best)
                break;
            int usable = Math.Min(Math.Min(common, item.Length), most);
            if (usable > best && (usable == item.Length || item.State.CanTruncate(usable)))
                (source, best) = (item, usable);
            int promised = Math.Min(common, most);
            if (canWait && promised > coming && promised >= item.Length + WorthWaiting && item is BatchedSequence running && goesBefore(running))
                coming = promised;
        }
        if (coming >= best + WorthWaiting)
            return null;
        if (source is null)
        {
            SequenceState fresh = model.NewState();
            fresh.CountIn(counter);
            return fresh;
        }
        SequenceState fork = source.State.Fork();
        fork.Truncate(best);
        if (source is IdleState used)
        {
            idle.Remove(used.Place);
            idle.AddLast(used.Place);
        }
        return fork;
    }

    /// <summary>Makes a running state known.</summary>
    public void Add(BatchedSequence running) => Learn(running);

    /// <summary>A state no longer runs; it is dropped.</summary>
    public void Drop(BatchedSequence running)
    {
        if (!running.HasState)
            return;
        Unlearn(running);
        running.Drop();
    }

    /// <summary>A state no longer runs; it is kept for its prefix.</summary>
    public void Keep(BatchedSequence running)
    {
        if (!running.HasState || !keeps || running.Length == 0)
        {
            Drop(running);
            return;
        }
        Unlearn(running);
        int[] ids = running.Text.Ids[..running.Length].ToArray();
        IdleState kept = new(ids, running.Release(), running.Adapter);
        // What a longer state can be cut to is not kept twice.
        IdleState[] within = [.. Known(ids, kept.Adapter).Where(one => one.Item is IdleState && one.Item.Length <= one.Common && CanBe(kept.State, one.Item.Length))
            .Select(one => (IdleState)one.Item)];
        foreach (IdleState shorter in within)
            Forget(shorter);
        Learn(kept);
        idle.AddLast(kept.Place);
    }

    /// <summary>Drops the state that was idle for the longest time; false where none is.</summary>
    public bool DropOldest()
    {
        if (idle.First is not { } oldest)
            return false;
        Forget(oldest.Value);
        return true;
    }

    public void Dispose()
    {
        while (DropOldest()) { }
        foreach (LayerState layer in measure)
            layer.Dispose();
    }

    private PrefixTree<IHasPrefix>? TreeOf(Adapter? adapter) => trees.Find(one => one.Adapter == adapter).Tree;

    private IEnumerable<(IHasPrefix Item, int Common)> Known(ReadOnlyMemory<int> ids, Adapter? adapter) =>
        shares && TreeOf(adapter) is { } tree ? tree.Longest(ids) : [];

    private void Learn(IHasPrefix item)
    {
        if (TreeOf(item.Adapter) is not { } tree)
            trees.Add((item.Adapter, tree = new PrefixTree<IHasPrefix>()));
        tree.Add(item);
    }

    private void Unlearn(IHasPrefix item)
    {
        PrefixTree<IHasPrefix> tree = TreeOf(item.Adapter)!;
        tree.Remove(item);
        // An adapter that nothing is known of any more need not be remembered.
        if (tree.Count == 0)
            trees.RemoveAll(one => one.Tree == tree);
    }

    private static bool CanBe(SequenceState state, int length) => length == state.Length || state.CanTruncate(length);

    private void Forget(IdleState state)
    {
        Unlearn(state);
        idle.Remove(state.Place);
        state.State.Dispose();
    }

    private sealed class IdleState : IHasPrefix
    {
        public IdleState(int[] known, SequenceState state, Adapter? adapter)
        {
            (Known, State, Adapter) = (known, state, adapter);
            Place = new LinkedListNode<IdleState>(this);
        }

        public int[] Known { get; }

        public SequenceState State { get; }

        public Adapter? Adapter { get; }

        public int Length => State.Length;

        public LinkedListNode<IdleState> Place { get; }
    }
}
