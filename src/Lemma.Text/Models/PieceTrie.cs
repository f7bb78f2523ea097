namespace Lemma.Text.Models;

/// <summary>Pieces by their code units: finds all that a text starts with.</summary>
internal sealed class PieceTrie : EdgeTrie
{
    private readonly int[] roots = new int[0x10000];

    /// <summary>Adds a piece that is not empty.</summary>
    public void Add(ReadOnlySpan<char> piece, int id)
    {
        ref int root = ref roots[piece[0]];
        if (root == 0)
            root = NewNode();
        int node = root;
        foreach (char c in piece[1..])
            node = NextOrNew(node, c);
        SetId(node, id);
    }

    /// <summary>The node after a first code unit, or 0.</summary>
    public int First(char c) => roots[c];
}
