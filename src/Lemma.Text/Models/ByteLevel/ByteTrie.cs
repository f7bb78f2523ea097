namespace Lemma.Text.Models.ByteLevel;

/// <summary>Pieces by their bytes: finds the longest that a text starts with.</summary>
/// <remarks>The first two bytes are one step through a table; further steps go through a hash table of edges.</remarks>
internal sealed class ByteTrie
{
    private readonly int[] pairs = new int[0x10000];
    private readonly int[] singles = new int[256];
    private ulong[] edges = new ulong[1 << 12];
    private int[] targets = new int[1 << 12];
    private readonly List<int> idOfNode = [-1];
    private int edgeCount, shift = 64 - 12;

    public ByteTrie() => Array.Fill(singles, -1);

    /// <summary>Adds a piece that is not empty.</summary>
    public void Add(ReadOnlySpan<byte> spelling, int id)
    {
        if (spelling.Length == 1)
        {
            singles[spelling[0]] = id;
            return;
        }
        ref int node = ref pairs[(spelling[0] << 8) | spelling[1]];
        if (node == 0)
            node = NewNode();
        int at = node;
        foreach (byte value in spelling[2..])
            at = Child(at, value) is int child and > 0 ? child : AddEdge(at, value);
        idOfNode[at] = id;
    }

    /// <summary>The longest piece that the text starts with, or −1.</summary>
    public int Longest(ReadOnlySpan<byte> text) => LongestBelow(text, int.MaxValue);

    /// <summary>The longest piece that the text starts with and that has fewer bytes than a limit, or −1.</summary>
    public int LongestBelow(ReadOnlySpan<byte> text, int limit)
    {
        if (text.IsEmpty || limit <= 1)
            return -1;
        int found = singles[text[0]];
        if (text.Length < 2 || limit <= 2)
            return found;
        int node = pairs[(text[0] << 8) | text[1]];
        for (int length = 2; node > 0; length++)
        {
            if (idOfNode[node] >= 0)
                found = idOfNode[node];
            if (length + 1 >= limit || length == text.Length)
                break;
            node = Child(node, text[length]);
        }
        return found;
    }

    private int Child(int node, byte value)
    {
        ulong key = ((ulong)(uint)node << 8) | value;
        for (int slot = SlotOf(key); ; slot = (slot + 1) & (edges.Length - 1))
        {
            if (edges[slot] == key)
                return targets[slot];
            if (edges[slot] == 0)
                return 0;
        }
    }

    private int AddEdge(int node, byte value)
    {
        if (2 * ++edgeCount > edges.Length)
            Grow();
        int child = NewNode();
        Put(((ulong)(uint)node << 8) | value, child);
        return child;
    }

    private void Grow()
    {
        (ulong[] oldEdges, int[] oldTargets) = (edges, targets);
        (edges, targets) = (new ulong[2 * oldEdges.Length], new int[2 * oldEdges.Length]);
        shift--;
        for (int slot = 0; slot < oldEdges.Length; slot++)
            if (oldEdges[slot] != 0)
                Put(oldEdges[slot], oldTargets[slot]);
    }

    private void Put(ulong key, int target)
    {
        int slot = SlotOf(key);
        while (edges[slot] != 0)
            slot = (slot + 1) & (edges.Length - 1);
        (edges[slot], targets[slot]) = (key, target);
    }

    private int SlotOf(ulong key) => (int)((key * 0x9E3779B97F4A7C15UL) >> shift);

    private int NewNode()
    {
        idOfNode.Add(-1);
        return idOfNode.Count - 1;
    }
}
