namespace Lemma.Server.Responses;

/// <summary>A response that is kept.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Owner">The key that asked for it.</param>
/// <param name="Body">It, as JSON; empty where it is there for its conversation alone.</param>
/// <param name="Input">The items that were sent for it.</param>
/// <param name="Conversation">All items up to it and those of its answer.</param>
internal sealed record StoredResponse(string Id, int Owner, ReadOnlyMemory<byte> Body, IReadOnlyList<ResponseItem> Input, IReadOnlyList<ResponseItem> Conversation)
{
    /// <summary>Bytes that it takes, about; items that others share are counted as often as they are shared.</summary>
    public long Bytes { get; } = Body.Length + Conversation.Sum(static item => item.Bytes);
}

/// <summary>Responses in memory under a bound: the ones that were used last stay.</summary>
internal sealed class ResponseStore(long most)
{
    private readonly Lock gate = new();
    private readonly LinkedList<StoredResponse> used = [];
    private readonly Dictionary<string, LinkedListNode<StoredResponse>> byId = new(StringComparer.Ordinal);
    private long bytes;

    /// <summary>Keeps one; those that were used longest ago make room.</summary>
    public void Add(StoredResponse response)
    {
        lock (gate)
        {
            byId[response.Id] = used.AddFirst(response);
            bytes += response.Bytes;
            while (bytes > most)
                Drop(used.Last!);
        }
    }

    /// <summary>One by its id, for the key that asked for it; null where there is none.</summary>
    public StoredResponse? Find(string id, int owner)
    {
        lock (gate)
            return Node(id, owner) is { } node ? Touch(node) : null;
    }

    /// <summary>Forgets one; false where there is none.</summary>
    public bool Remove(string id, int owner)
    {
        lock (gate)
        {
            if (Node(id, owner) is not { } node)
                return false;
            Drop(node);
            return true;
        }
    }

    private LinkedListNode<StoredResponse>? Node(string id, int owner) =>
        byId.TryGetValue(id, out LinkedListNode<StoredResponse>? node) && node.Value.Owner == owner ? node : null;

    private StoredResponse Touch(LinkedListNode<StoredResponse> node)
    {
        used.Remove(node);
        used.AddFirst(node);
        return node.Value;
    }

    private void Drop(LinkedListNode<StoredResponse> node)
    {
        used.Remove(node);
        byId.Remove(node.Value.Id);
        bytes -= node.Value.Bytes;
    }
}
