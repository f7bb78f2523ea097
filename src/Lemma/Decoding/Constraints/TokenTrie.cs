using System.Runtime.CompilerServices;
using Lemma.Decoding.Constraints.Automata;
using Lemma.Text;

namespace Lemma.Decoding.Constraints;

/// <summary>The ids of a tokenizer by their bytes, so that a state is stepped through bytes that many share once. Nodes stand in the order of a walk.</summary>
internal sealed class TokenTrie
{
    private static readonly ConditionalWeakTable<Tokenizer, TokenTrie> Known = [];
    private readonly byte[] symbols;
    private readonly ushort[] depths;
    private readonly int[] ends, firsts, ids;
    private readonly byte[][] bytes;
    private readonly Tokenizer tokenizer;

    private TokenTrie(Tokenizer tokenizer)
    {
        this.tokenizer = tokenizer;
        bytes = new byte[tokenizer.VocabularySize][];
        List<int> special = [], order = [];
        for (int id = 0; id < bytes.Length; id++)
        {
            bytes[id] = tokenizer.BytesOf(id);
            if (bytes[id].Length > ushort.MaxValue)
                bytes[id] = [];
            if (bytes[id].Length > 0)
                order.Add(id);
            else if (tokenizer.IsSpecial(id))
                special.Add(id);
            Longest = Math.Max(Longest, bytes[id].Length);
        }
        order.Sort((x, y) => bytes[x].AsSpan().SequenceCompareTo(bytes[y]) is var compared and not 0 ? compared : x.CompareTo(y));
        Specials = [.. special];
        ids = [.. order];
        List<byte> nodes = [];
        List<ushort> deep = [];
        List<int> last = [], begin = [];
        Stack<int> path = new();
        ReadOnlySpan<byte> before = default;
        for (int at = 0; at < ids.Length; at++)
        {
            ReadOnlySpan<byte> own = bytes[ids[at]];
            int common = before.CommonPrefixLength(own);
            while (path.Count > common)
                last[path.Pop()] = nodes.Count;
            for (int i = common; i < own.Length; i++)
            {
                path.Push(nodes.Count);
                nodes.Add(own[i]);
                deep.Add((ushort)(i + 1));
                last.Add(0);
                begin.Add(at);
            }
            before = own;
        }
        while (path.TryPop(out int node))
            last[node] = nodes.Count;
        begin.Add(ids.Length);
        (symbols, depths, ends, firsts) = ([.. nodes], [.. deep], [.. last], [.. begin]);
    }

    /// <summary>The trie of a tokenizer, made once.</summary>
    public static TokenTrie Of(Tokenizer tokenizer) => Known.GetValue(tokenizer, static one => new TokenTrie(one));

    /// <summary>The special tokens, which have no bytes.</summary>
    public int[] Specials { get; }

    /// <summary>The most bytes of an id.</summary>
    public int Longest { get; }

    /// <summary>How many ids there are.</summary>
    public int Size => bytes.Length;

    /// <summary>The bytes of an id behind other text; none for special tokens and ids without a piece.</summary>
    public ReadOnlySpan<byte> BytesOf(int id) => (uint)id < (uint)bytes.Length ? bytes[id] : default;

    /// <summary>The bytes of an id that begins a text.</summary>
    public byte[] FirstBytesOf(int id) => tokenizer.BytesOf(id, startsText: true);

    /// <summary>Sets the bits of the ids whose bytes may follow in a state.</summary>
    public void Mark(Automaton automaton, AutomatonState state, ulong[] bits)
    {
        AutomatonState[] path = new AutomatonState[Longest + 1];
        path[0] = state;
        for (int node = 0; node < symbols.Length;)
        {
            int depth = depths[node];
            AutomatonState next = automaton.Next(path[depth - 1], symbols[node]);
            if (next.IsDead)
            {
                node = ends[node];
                continue;
            }
            path[depth] = next;
            node++;
            // The ids that end at a node stand before those of the next one.
            for (int at = firsts[node - 1]; at < firsts[node]; at++)
                bits[ids[at] >> 6] |= 1UL << (ids[at] & 63);
        }
    }
}
