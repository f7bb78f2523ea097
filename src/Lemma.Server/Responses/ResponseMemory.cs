using Lemma.Server.Http;

namespace Lemma.Server.Responses;

/// <summary>What a request goes on from and leaves for later ones: the responses of its own connection, and those that the server keeps.</summary>
/// <param name="kept">What the server keeps.</param>
/// <param name="owner">The key that asks.</param>
/// <param name="own">Those of the connection, kept for it whether <c>store</c> says so or not; null where requests come alone.</param>
internal sealed class ResponseMemory(ResponseStore kept, int owner, ResponseStore? own = null)
{
    /// <summary>The items up to a response, its own included.</summary>
    public IReadOnlyList<ResponseItem> Conversation(string id) => (own?.Find(id, owner) ?? kept.Find(id, owner))?.Conversation ?? throw new ApiException(400,
        $"There is no previous response '{id}': none was made by that id with this key, it was not stored, or others needed its memory.", "previous_response_id",
        "previous_response_not_found");

    /// <summary>Keeps a response for those that go on from it.</summary>
    public void Keep(StoredResponse response, bool stores)
    {
        own?.Add(response);
        if (stores)
            kept.Add(response);
    }

    /// <summary>Forgets a response of the connection; what the server keeps stays.</summary>
    public void Forget(string? id)
    {
        if (id is not null)
            own?.Remove(id, owner);
    }
}
