using Lemma.Sequences;
using Lemma.Weights;

namespace Lemma.Decoding;

/// <summary>A state that holds first ids of <see cref="Known"/>.</summary>
internal interface IHasPrefix
{
    int[] Known { get; }

    SequenceState State { get; }

    /// <summary>What changed the model for it; null for nothing.</summary>
    Adapter? Adapter { get; }

    /// <summary>How many of the ids it holds by now.</summary>
    int Length { get; }
}

/// <summary>Runs of ids with what is known by them, found by the longest common prefix: a radix tree.</summary>
internal sealed class PrefixTree<T> where T : class, IHasPrefix
{
    private readonly Node root = new([]);

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Adds one by its ids.</summary>
    public void Add(T item)
    {
        Node node = root;
        int at = 0;
        while (at < item.Known.Length)
        {
            if (!node.Children.TryGetValue(item.Known[at], out Node? child))
                node.Children.Add(item.Known[at], child = new Node(item.Known[at..]));
            int common = item.Known.AsSpan(at).CommonPrefixLength(child.Edge);
            if (common < child.Edge.Length)
            {
                // The run is split where the ids part.
                Node upper = new(child.Edge[..common]);
                upper.Children.Add(child.Edge[common], child);
                child.Edge = child.Edge[common..];
                node.Children[item.Known[at]] = child = upper;
            }
            (node, at) = (child, at + common);
        }
        node.Items.Add(item);
        Count++;
    }

    /// <summary>Takes one away; false where it is not there.</summary>
    public bool Remove(T item)
    {
        Stack<Node> path = [];
        Node node = root;
        for (int at = 0; at < item.Known.Length; at += node.Edge.Length)
        {
            if (!node.Children.TryGetValue(item.Known[at], out Node? child) || !item.Known.AsSpan(at).StartsWith(child.Edge))
                return false;
            path.Push(node);
            node = child;
        }
        if (!node.Items.Remove(item))
            return false;
        Count--;
        while (path.TryPop(out Node? parent))
        {
            if (node.Items.Count == 0 && node.Children.Count == 0)
                parent.Children.Remove(node.Edge[0]);
            else if (node.Items.Count == 0 && node.Children.Count == 1)
            {
                // A run that nothing parts is one again.
                Node only = node.Children.Values[0];
                only.Edge = [.. node.Edge, .. only.Edge];
                parent.Children[only.Edge[0]] = only;
            }
            node = parent;
        }
        return true;
    }

    /// <summary>All whose ids begin as others do, with how many ids they share, the most first.</summary>
    public IEnumerable<(T Item, int Common)> Longest(ReadOnlyMemory<int> ids)
    {
        List<(Node Node, int Common)> path = [];
        Node node = root;
        int at = 0;
        while (at < ids.Length && node.Children.TryGetValue(ids.Span[at], out Node? child))
        {
            int common = ids.Span[at..].CommonPrefixLength(child.Edge);
            at += common;
            path.Add((child, at));
            if (common < child.Edge.Length)
                break;
            node = child;
        }
        for (int i = path.Count - 1; i >= 0; i--)
        {
            foreach (T item in Under(path[i].Node, i + 1 < path.Count ? path[i + 1].Node : null))
                yield return (item, path[i].Common);
        }
    }

    private static IEnumerable<T> Under(Node node, Node? without)
    {
        foreach (T item in node.Items)
            yield return item;
        foreach (Node child in node.Children.Values)
        {
            if (child == without)
                continue;
            foreach (T item in Under(child, null))
                yield return item;
        }
    }

    private sealed class Node(int[] edge)
    {
        public int[] Edge { get; set; } = edge;

        public List<T> Items { get; } = [];

        public SortedList<int, Node> Children { get; } = [];
    }
}
