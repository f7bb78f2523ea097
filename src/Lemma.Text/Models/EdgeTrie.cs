namespace Lemma.Text.Models;

/// <summary>The nodes of a trie and a hash table of its edges; the first step is left to what derives from it.</summary>
internal abstract class EdgeTrie
{
    private readonly List<int> idOfNode = [-1];
    private ulong[] edges = new ulong[1 << 12];
    private int[] targets = new int[1 << 12];
    private int edgeCount, shift = 64 - 12;

    /// <summary>The piece that ends at a node, or −1.</summary>
    public int IdAt(int node) => idOfNode[node];

    /// <summary>The node after one more symbol, or 0.</summary>
    public int Next(int node, char symbol)
    {
        ulong key = ((ulong)(uint)node << 16) | symbol;
        for (int slot = SlotOf(key); ; slot = (slot + 1) & (edges.Length - 1))
        {
            if (edges[slot] == key)
                return targets[slot];
            if (edges[slot] == 0)
                return 0;
        }
    }

    /// <summary>A node without a piece.</summary>
    protected int NewNode()
    {
        idOfNode.Add(-1);
        return idOfNode.Count - 1;
    }

    /// <summary>The node after one more symbol, a new one where there is none.</summary>
    protected int NextOrNew(int node, char symbol) => Next(node, symbol) is int child and > 0 ? child : AddEdge(node, symbol);

    /// <summary>Ends a piece at a node.</summary>
    protected void SetId(int node, int id) => idOfNode[node] = id;

    private int AddEdge(int node, char symbol)
    {
        if (2 * ++edgeCount > edges.Length)
            Grow();
        int child = NewNode();
        Put(((ulong)(uint)node << 16) | symbol, child);
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

    private int SlotOf(ulong key) => (int)((key * HashKeys.First) >> shift);
}
