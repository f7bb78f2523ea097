namespace Lemma.Text.Models.ByteLevel;

/// <summary>Pieces by their bytes: finds the longest that a text starts with.</summary>
/// <remarks>The first two bytes are one step through a table; further steps go through a hash table of edges.</remarks>
internal sealed class ByteTrie : EdgeTrie
{
    private readonly int[] pairs = new int[0x10000];
    private readonly int[] singles = new int[256];

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
            at = NextOrNew(at, (char)value);
        SetId(at, id);
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
            if (IdAt(node) is int id and >= 0)
                found = id;
            if (length + 1 >= limit || length == text.Length)
                break;
            node = Next(node, (char)text[length]);
        }
        return found;
    }
}
