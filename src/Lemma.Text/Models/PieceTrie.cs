namespace Lemma.Text.Models;

/// <summary>Pieces by their code units: finds all that a text starts with.</summary>
internal sealed class PieceTrie
{
    private readonly int[] roots = new int[0x10000];
    private readonly List<int> idOfNode = [-1];
    private ulong[] edges = new ulong[1 << 12];
    private int[] targets = new int[1 << 12];
    private int edgeCount, shift = 64 - 12;

    /// <summary>Adds a piece that is not empty.</summary>
    public void Add(ReadOnlySpan<char> piece, int id)
    {
        ref int root = ref roots[piece[0]];
        if (root == 0)
            root = NewNode();
        int node = root;
        foreach (char c in piece[1..])
            node = Next(node, c) is int child and > 0 ? child : AddEdge(node, c);
        idOfNode[node] = id;
    }

    /// <summary>The node after a first code unit, or 0.</summary>
    public int First(char c) => roots[c];

    /// <summary>The node after one more code unit, or 0.</summary>
    public int Next(int node, char c)
    {
        ulong key = ((ulong)(uint)node << 16) | c;
        for (int slot = SlotOf(key); ; slot = (slot + 1) & (edges.Length - 1))
        {
            if (edges[slot] == key)
                return targets[slot];
            if (edges[slot] == 0)
                return 0;
        }
    }

    /// <summary>The piece that ends at a node, or −1.</summary>
    public int IdAt(int node) => idOfNode[node];

    private int AddEdge(int node, char c)
    {
        if (2 * ++edgeCount > edges.Length)
        {
            (ulong[] oldEdges, int[] oldTargets) = (edges, targets);
            (edges, targets) = (new ulong[2 * oldEdges.Length], new int[2 * oldEdges.Length]);
            shift--;
            for (int slot = 0; slot < oldEdges.Length; slot++)
                if (oldEdges[slot] != 0)
                    Put(oldEdges[slot], oldTargets[slot]);
        }
        int child = NewNode();
        Put(((ulong)(uint)node << 16) | c, child);
        return child;
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
