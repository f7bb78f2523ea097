using System.Globalization;
using Lemma.Formulas;

namespace Lemma.Sequences;

/// <summary>The keys and values of one layer of one sequence, in pages of 192 positions that lie as <see cref="KeyValuePageShape"/> draws them.</summary>
internal sealed unsafe class KeyValuePages(KeyValuePageShape shape, int window = 0) : LayerState
{
    private readonly List<Page?> pages = [];
    private readonly Stack<Page> free = [];
    private nint[] addresses = [];
    private int left;
    private ByteCounter? counter;

    /// <summary>How a page lies.</summary>
    public KeyValuePageShape Shape => shape;

    public override long Bytes => (long)sizeof(float) * shape.Elements * (pages.Count(page => page is not null) + free.Count);

    public override long BytesAt(int length, CacheFormat format)
    {
        long each = format.PageOf(shape.Heads, shape.HeadWidth, shape.ValueWidth).Elements;
        int first = window == 0 ? 0 : Math.Max(0, length - window) / PagedAttention.Block, end = (length + PagedAttention.Block - 1) / PagedAttention.Block;
        return sizeof(float) * each * (end - first);
    }

    public override void CountIn(ByteCounter counter)
    {
        Require.That(this.counter is null && pages.Count + free.Count == 0, $"state: its bytes are counted from its beginning, but it holds {Bytes} already");
        this.counter = counter;
    }

    public override long BytesToRead(int from, int to)
    {
        long count = Math.Max(0, (to + PagedAttention.Block - 1) / PagedAttention.Block - pages.Count) - free.Count;
        for (int index = from / PagedAttention.Block; index < pages.Count; index++)
            count += pages[index] is { IsShared: true } ? 1 : 0;
        return Math.Max(0, count) * sizeof(float) * shape.Elements;
    }

    /// <summary>Makes room for positions up to a length and makes the pages from a start on this state's own; pages that a window left behind go.</summary>
    public void Prepare(int start, int length)
    {
        while ((long)pages.Count * PagedAttention.Block < length)
        {
            pages.Add(null);
            Put(pages.Count - 1, NewPage());
        }
        for (int index = start / PagedAttention.Block; index < pages.Count; index++)
        {
            Page page = pages[index]!;
            if (!page.IsShared)
                continue;
            Page copy = NewPage();
            page.Memory.Span(0, shape.Elements).CopyTo(copy.Memory.Span(0, shape.Elements));
            Put(index, copy);
            page.Release();
        }
        // A query at start sees window positions, itself included.
        for (int first = window == 0 ? 0 : Math.Max(0, start - window + 1) / PagedAttention.Block; left < first; left++)
            Give(left);
    }

    /// <summary>Where each page lies; 0 where a window has let go of it.</summary>
    public ReadOnlyMemory<nint> Addresses => addresses;

    public override string? WhyNotCut(int from, int to)
    {
        // What a window has let go cannot come back: such a state can only be cut to nothing, or by what its pages still hold.
        int kept = (to + PagedAttention.Block - 1) / PagedAttention.Block, needed = window == 0 ? 0 : Math.Max(0, to - window + 1) / PagedAttention.Block;
        for (int index = needed; index < kept; index++)
        {
            if (pages[index] is null)
                return string.Create(CultureInfo.InvariantCulture, $"state: a window of {window} has let go of positions that {to} tokens need");
        }
        return null;
    }

    public override void Truncate(int length)
    {
        int kept = (length + PagedAttention.Block - 1) / PagedAttention.Block;
        for (int index = pages.Count - 1; index >= kept; index--)
        {
            Give(index);
            pages.RemoveAt(index);
        }
        left = Math.Min(left, pages.Count);
    }

    public override LayerState Fork()
    {
        KeyValuePages fork = new(shape, window) { left = left, counter = counter };
        for (int index = 0; index < pages.Count; index++)
        {
            pages[index]?.Share();
            fork.pages.Add(null);
            fork.Put(index, pages[index]);
        }
        return fork;
    }

    public override void Dispose()
    {
        for (int index = 0; index < pages.Count; index++)
        {
            pages[index]?.Release();
            pages[index] = null;
        }
        foreach (Page page in free)
            page.Release();
        free.Clear();
    }

    private void Give(int index)
    {
        if (pages[index] is not { } page)
            return;
        Put(index, null);
        if (page.IsShared)
            page.Release();
        else
            free.Push(page);
    }

    private void Put(int index, Page? page)
    {
        pages[index] = page;
        if (addresses.Length <= index)
            Array.Resize(ref addresses, Math.Max(index + 1, 2 * addresses.Length));
        addresses[index] = page is null ? 0 : (nint)page.Memory.Pointer;
    }

    private Page NewPage() => free.TryPop(out Page? page) ? page : new Page(shape.Elements, counter);

    // Pages are shared by states that may live on different threads.
    private sealed class Page
    {
        private readonly ByteCounter? counter;
        private int users = 1;

        public Page(long elements, ByteCounter? counter)
        {
            Memory = new NativeBlock("state", elements, isCleared: true);
            this.counter = counter;
            counter?.Add(elements * sizeof(float));
        }

        public NativeBlock Memory { get; }

        public bool IsShared => Volatile.Read(ref users) > 1;

        public void Share() => Interlocked.Increment(ref users);

        public void Release()
        {
            if (Interlocked.Decrement(ref users) > 0)
                return;
            counter?.Add(-Memory.Length * sizeof(float));
            Memory.Dispose();
        }
    }
}
