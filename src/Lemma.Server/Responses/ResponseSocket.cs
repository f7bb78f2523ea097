using System.Buffers;
using System.Net.WebSockets;
using System.Text.Json;
using Lemma.Server.Http;
using Microsoft.AspNetCore.Http;

namespace Lemma.Server.Responses;

/// <summary>
/// <c>GET /v1/responses</c>: a WebSocket whose messages are requests, answered one after the other by the events of a stream
/// (https://www.openresponses.org, the specification of 2026-04-24). Each is a request of its own: limits, time, metrics, an id and a line in the log.
/// </summary>
internal sealed class ResponseSocket : IDisposable
{
    // Of one message to a client that does not read, and of its answer to a close.
    private static readonly TimeSpan MostSendTime = TimeSpan.FromSeconds(60), MostCloseTime = TimeSpan.FromSeconds(5);

    private readonly Call connection;
    private readonly WebSocket socket;
    private readonly SocketMessages messages;
    private readonly ResponseMemory memory;
    private readonly CancellationTokenSource left;
    private readonly ArrayBufferWriter<byte> buffer = new();

    private ResponseSocket(Call connection, WebSocket socket)
    {
        ServerState state = connection.State;
        (this.connection, this.socket, messages) = (connection, socket, new SocketMessages(socket, state.Options.MaximumBodyBytes));
        // What a client may send at once is what it may leave here.
        memory = new ResponseMemory(state.Responses, connection.Owner, new ResponseStore(state.Options.MaximumBodyBytes));
        left = CancellationTokenSource.CreateLinkedTokenSource(connection.Left);
    }

    /// <summary>Opens a connection and serves it until it ends.</summary>
    public static async Task Answer(Call call)
    {
        HttpContext context = call.Context;
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.Headers.Upgrade = "websocket";
            throw new ApiException(StatusCodes.Status426UpgradeRequired, "GET opens a WebSocket here, but no upgrade to one is asked for; POST creates a response.",
                null, "upgrade_required");
        }
        call.State.Origins.RequireForSocket(context.Request);
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync().ConfigureAwait(false);
        call.Status = StatusCodes.Status101SwitchingProtocols;
        using ResponseSocket own = new(call, socket);
        await own.RunAsync().ConfigureAwait(false);
    }

    public void Dispose() => left.Dispose();

    private async Task RunAsync()
    {
        ServerState state = connection.State;
        Task reading = messages.ReadAsync(left.Cancel);
        using CancellationTokenSource ends = CancellationTokenSource.CreateLinkedTokenSource(left.Token, state.Draining);
        ends.CancelAfter(state.ConnectionTime);
        using CancellationTokenRegistration drains = state.Draining.Register(() => left.CancelAfter(state.DrainTime));
        try
        {
            int number = 0;
            await foreach (byte[] message in messages.TakeAsync(ends.Token).ConfigureAwait(false))
                await TurnAsync(message, ++number).ConfigureAwait(false);
            await EndAsync().ConfigureAwait(false);
        }
        // A turn that runs when the server ends, or when the time is over, has ended as others do.
        catch (OperationCanceledException) when (ends.IsCancellationRequested)
        {
            await EndAsync().ConfigureAwait(false);
        }
        finally
        {
            // The reader ends with the socket, whatever happened.
            socket.Abort();
            await reading.ConfigureAwait(false);
        }
    }

    private async Task TurnAsync(byte[] message, int number)
    {
        using Call turn = new(connection.Context, connection.State, $"{connection.Id}-{number}", left.Token)
        {
            Runner = connection.Runner,
            Owner = connection.Owner,
        };
        bool tells = false;
        ServerRoute route = new(ServerRoute.Turn, "/v1/responses", ErrorStyle.Responses, AnswerAsync, "A turn.");
        await connection.Runner.RunAsync(turn, route, TellAsync).ConfigureAwait(false);

        async Task AnswerAsync(Call call)
        {
            ResponseAsked asked;
            using (JsonDocument body = call.Parse(message))
            {
                Fields fields = new(body.RootElement);
                RequireCreate(fields);
                asked = await ResponseAsked.ReadAsync(fields, call, memory).ConfigureAwait(false);
            }
            await ResponseRun.RunAsync(call, asked, memory, (_, write) =>
            {
                tells = true;
                return SendAsync(write);
            }).ConfigureAwait(false);
        }

        // What a turn that failed went on from is forgotten; events that have begun end with one that tells the failure.
        async Task TellAsync(ApiException error)
        {
            memory.Forget(Previous(message));
            if (tells)
                return;
            turn.Status = error.Status;
            await SendErrorAsync(error, turn.Id).ConfigureAwait(false);
        }
    }

    private static void RequireCreate(Fields fields)
    {
        string type = fields.NeededText("type");
        if (type != "response.create")
            throw new ApiException(400, $"'type' must be response.create, but it is '{type}'.", "type", "invalid_value");
        foreach (string field in (string[])["stream", "stream_options", "background"])
        {
            if (fields.Any(field) is not null)
                throw new ApiException(400, $"'{field}' is not for WebSockets, where every response is told by its events.", field, "unsupported_parameter");
        }
    }

    // Of a message that may be no request at all.
    private static string? Previous(byte[] message)
    {
        try
        {
            using JsonDocument body = RequestJson.Parse(message);
            return body.RootElement.ValueKind == JsonValueKind.Object && body.RootElement.TryGetProperty("previous_response_id", out JsonElement id)
                && id.ValueKind == JsonValueKind.String ? id.GetString() : null;
        }
        catch (Exception failure) when (failure is JsonException or ApiException)
        {
            return null;
        }
    }

    private async Task EndAsync()
    {
        ServerState state = connection.State;
        if (state.IsDraining)
            await CloseAsync(WebSocketCloseStatus.EndpointUnavailable, "shutting_down").ConfigureAwait(false);
        else if (left.IsCancellationRequested)
            await CloseAsync(WebSocketCloseStatus.NormalClosure, "").ConfigureAwait(false);
        else if (messages.Refusal is { } refusal)
            await CloseAsync(messages.RefusalStatus, refusal.Code!, refusal).ConfigureAwait(false);
        else
        {
            ApiException limit = new(400, $"A connection lasts at most {state.ConnectionTime.TotalMinutes:0} minutes; open another one.", null,
                "websocket_connection_limit_reached");
            await CloseAsync(WebSocketCloseStatus.NormalClosure, limit.Code!, limit).ConfigureAwait(false);
        }
    }

    private async Task CloseAsync(WebSocketCloseStatus status, string reason, ApiException? error = null)
    {
        using CancellationTokenSource wait = new(MostCloseTime);
        try
        {
            if (error is not null)
                await SendErrorAsync(error, connection.Id).ConfigureAwait(false);
            await socket.CloseAsync(status, reason, wait.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (SocketMessages.IsGone(failure))
        {
            // Nobody is there to close it with.
        }
    }

    private Task SendErrorAsync(ApiException error, string id) => SendAsync(json =>
    {
        json.WriteStartObject();
        json.WriteString("type", "error");
        json.WriteNumber("status", error.Status);
        json.WriteStartObject("error");
        json.WriteString("type", error.Type);
        json.WriteString("code", error.Code ?? error.Type);
        json.WriteString("message", error.Message);
        json.WriteString("param", error.Param);
        if (error.RetryAfter is { } seconds)
            json.WriteNumber("retry_after", seconds);
        json.WriteString("request_id", id);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    private async Task SendAsync(Action<Utf8JsonWriter> write)
    {
        buffer.ResetWrittenCount();
        using (Utf8JsonWriter json = new(buffer))
            write(json);
        using CancellationTokenSource slow = new(MostSendTime);
        try
        {
            await socket.SendAsync(buffer.WrittenMemory, WebSocketMessageType.Text, endOfMessage: true, slow.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (SocketMessages.IsGone(failure))
        {
            await left.CancelAsync().ConfigureAwait(false);
            throw new OperationCanceledException("The client has left.", failure, left.Token);
        }
    }
}
