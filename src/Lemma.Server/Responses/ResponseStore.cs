using Lemma.Server.Http;

namespace Lemma.Server.Responses;

/// <summary>A response that is kept.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Owner">The key that asked for it.</param>
/// <param name="Body">It, as JSON.</param>
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

    /// <summary>One by its id, for the key that asked for it.</summary>
    public StoredResponse Get(string id, int owner, string param)
    {
        lock (gate)
            return Find(id, owner) is { } node ? Touch(node) : throw Missing(id, param);
    }

    /// <summary>Forgets one.</summary>
    public void Remove(string id, int owner)
    {
        lock (gate)
            Drop(Find(id, owner) ?? throw Missing(id, "response_id"));
    }

    private LinkedListNode<StoredResponse>? Find(string id, int owner) =>
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

    private static ApiException Missing(string id, string param) => new(param == "response_id" ? 404 : 400,
        $"There is no response '{id}': none was made by that id with this key, it was not stored, or others needed its memory.", param, "response_not_found");
}
