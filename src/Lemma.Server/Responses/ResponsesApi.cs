using System.Text.Json;
using Lemma.Server.Http;
using Microsoft.AspNetCore.Routing;

namespace Lemma.Server.Responses;

/// <summary><c>/v1/responses</c>: OpenAI's newer API, as the Open Responses specification has it.</summary>
internal static class ResponsesApi
{
    private const int MostListed = 100, UsuallyListed = 20;

    public static async Task Create(Call call)
    {
        ResponseMemory memory = new(call.State.Responses, call.Owner);
        ResponseAsked asked = await ReadAsync(call, memory).ConfigureAwait(false);
        if (!asked.Streams)
        {
            await call.WriteAsync(await ResponseRun.RunAsync(call, asked, memory).ConfigureAwait(false), "application/json").ConfigureAwait(false);
            return;
        }
        ReplyStream? stream = null;
        await ResponseRun.RunAsync(call, asked, memory, (type, write) => (stream ??= ReplyStream.Events(call)).SendAsync(write, type)).ConfigureAwait(false);
        await stream!.DoneAsync().ConfigureAwait(false);
    }

    /// <summary>Tokens that a request would be read as.</summary>
    public static async Task Count(Call call)
    {
        ResponseAsked asked = await ReadAsync(call, new ResponseMemory(call.State.Responses, call.Owner)).ConfigureAwait(false);
        await call.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("object", "response.input_tokens");
            json.WriteNumber("input_tokens", asked.Prompt.Length);
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    public static Task Get(Call call) => call.Context.Request.Query["stream"].ToString() is not ("" or "false")
        ? throw new ApiException(400, "'stream' is not supported: the events of a response are not kept.", "stream", "unsupported_parameter")
        : call.WriteAsync(Stored(call).Body, "application/json");

    public static Task Delete(Call call)
    {
        if (!call.State.Responses.Remove(Id(call), call.Owner))
            throw Missing(call);
        return call.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("id", Id(call));
            json.WriteString("object", "response");
            json.WriteBoolean("deleted", true);
            json.WriteEndObject();
        });
    }

    /// <summary>The items that were sent, the newest first unless asked otherwise, a page at a time.</summary>
    public static Task Items(Call call)
    {
        IEnumerable<ResponseItem> items = Stored(call).Input;
        string order = call.Context.Request.Query["order"].ToString();
        if (order is not ("" or "asc" or "desc"))
            throw new ApiException(400, $"'order' must be asc or desc, but it is '{order}'.", "order", "invalid_value");
        items = order == "asc" ? items : items.Reverse();
        string text = call.Context.Request.Query["limit"].ToString();
        int limit = text.Length == 0 ? UsuallyListed : int.TryParse(text, out int asked) && asked is >= 1 and <= MostListed ? asked
            : throw new ApiException(400, $"'limit' must be from 1 to {MostListed}.", "limit", "invalid_value");
        if (call.Context.Request.Query["after"].ToString() is { Length: > 0 } after)
            items = items.SkipWhile(item => item.Id != after).Skip(1);
        ResponseItem[] page = [.. items.Take(limit + 1)];
        bool hasMore = page.Length > limit;
        page = hasMore ? page[..limit] : page;
        return call.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("object", "list");
            json.WriteStartArray("data");
            foreach (ResponseItem item in page)
                item.Write(json, null);
            json.WriteEndArray();
            json.WriteBoolean("has_more", hasMore);
            json.WriteString("first_id", page.FirstOrDefault()?.Id ?? "");
            json.WriteString("last_id", page.LastOrDefault()?.Id ?? "");
            json.WriteEndObject();
        });
    }

    private static string Id(Call call) => call.Context.GetRouteValue("id") as string ?? "";

    private static StoredResponse Stored(Call call) => call.State.Responses.Find(Id(call), call.Owner) ?? throw Missing(call);

    private static ApiException Missing(Call call) => new(404,
        $"There is no response '{Id(call)}': none was made by that id with this key, it was not stored, or others needed its memory.", "response_id",
        "response_not_found");

    private static async Task<ResponseAsked> ReadAsync(Call call, ResponseMemory memory)
    {
        using JsonDocument body = await call.ReadAsync().ConfigureAwait(false);
        return await ResponseAsked.ReadAsync(new Fields(body.RootElement), call, memory).ConfigureAwait(false);
    }
}
