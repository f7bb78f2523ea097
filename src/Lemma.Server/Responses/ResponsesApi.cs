using System.Buffers;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language.Serving;
using Lemma.Server.Http;
using Microsoft.AspNetCore.Routing;

namespace Lemma.Server.Responses;

/// <summary><c>/v1/responses</c>: OpenAI's newer API, as the Open Responses specification has it.</summary>
internal static class ResponsesApi
{
    private const int MostListed = 100, UsuallyListed = 20;

    public static async Task Create(Call call)
    {
        ResponseAsked asked;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            asked = ResponseAsked.Read(fields, await call.WriterAsync(fields.NeededText("model")).ConfigureAwait(false), call);
        }
        AnswerRequest request = ChatAnswers.Begin(call, asked.Engine, asked.Prompt, asked.Answer, "text.format", "input");
        (string id, long created) = ($"resp_{Guid.NewGuid():N}", DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        await (asked.Streams ? Stream(call, asked, request, id, created) : Whole(call, asked, request, id, created)).ConfigureAwait(false);
    }

    /// <summary>Tokens that a request would be read as.</summary>
    public static async Task Count(Call call)
    {
        ResponseAsked asked;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            asked = ResponseAsked.Read(fields, await call.WriterAsync(fields.NeededText("model")).ConfigureAwait(false), call);
        }
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
        call.State.Responses.Remove(Id(call), call.Owner);
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

    private static StoredResponse Stored(Call call) => call.State.Responses.Get(Id(call), call.Owner, "response_id");

    private static async Task Whole(Call call, ResponseAsked asked, AnswerRequest request, string id, long created)
    {
        ResponseOutput output = new(asked.Engine.Writer!.Model, static (_, _) => Task.CompletedTask);
        string status = await ReadAsync(call, request, output).ConfigureAwait(false);
        await call.WriteAsync(Ended(call, asked, request, output, id, created, status), "application/json").ConfigureAwait(false);
    }

    private static async Task Stream(Call call, ResponseAsked asked, AnswerRequest request, string id, long created)
    {
        ReplyStream? stream = null;
        int number = 0;
        ResponseOutput output = new(asked.Engine.Writer!.Model, SendAsync);
        try
        {
            string status = await ReadAsync(call, request, output, BeginAsync).ConfigureAwait(false);
            byte[] body = Ended(call, asked, request, output, id, created, status).ToArray();
            await SendAsync("response." + status, json =>
            {
                json.WritePropertyName("response");
                json.WriteRawValue(body);
            }).ConfigureAwait(false);
        }
        catch (Exception failure) when (stream is not null && !call.IsLeft)
        {
            string told = ApiException.Of(failure, call)?.Message ?? "The server had an error while processing your request.";
            await SendStateAsync("response.failed", "failed", told).ConfigureAwait(false);
            throw;
        }
        await stream!.DoneAsync().ConfigureAwait(false);

        // What fails before anything was made has a status of its own.
        async Task BeginAsync()
        {
            if (stream is not null)
                return;
            stream = ReplyStream.Events(call);
            await SendStateAsync("response.created", "in_progress", null).ConfigureAwait(false);
            await SendStateAsync("response.in_progress", "in_progress", null).ConfigureAwait(false);
        }

        Task SendStateAsync(string type, string status, string? error) => SendAsync(type, json =>
        {
            json.WritePropertyName("response");
            ResponseJson.Write(json, asked, id, created, status, output.Items, error: error);
        });

        Task SendAsync(string type, Action<Utf8JsonWriter> write) => stream!.SendAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteNumber("sequence_number", number++);
            write(json);
            json.WriteEndObject();
        }, type);
    }

    private static async Task<string> ReadAsync(Call call, AnswerRequest request, ResponseOutput output, Func<Task>? begin = null)
    {
        bool began = false;
        string status = "completed";
        await foreach (AnswerUpdate update in request.ReadAsync(call.Cancellation).ConfigureAwait(false))
        {
            OpenAI.ChatCompletions.Began(call, ref began);
            if (begin is not null)
                await begin().ConfigureAwait(false);
            await output.AddAsync(update).ConfigureAwait(false);
            if (update.End == TextEnd.Length)
                status = "incomplete";
        }
        return status;
    }

    private static ReadOnlyMemory<byte> Ended(Call call, ResponseAsked asked, AnswerRequest request, ResponseOutput output, string id, long created, string status)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
            ResponseJson.Write(json, asked, id, created, status, output.Items, request);
        // Log-probabilities stand in the reply that is kept; a conversation goes on without them.
        if (asked.Stores)
        {
            call.State.Responses.Add(new StoredResponse(id, call.Owner, buffer.WrittenMemory, asked.Input,
                [.. asked.Conversation, .. output.Items.Select(static item => item with { Choices = [] })]));
        }
        return buffer.WrittenMemory;
    }
}
