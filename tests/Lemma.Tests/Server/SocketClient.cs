using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Lemma.Tests.Server;

/// <summary>A client of <c>/v1/responses</c> by WebSocket.</summary>
internal sealed class SocketClient : IAsyncDisposable
{
    private readonly byte[] part = new byte[1 << 14];

    private SocketClient()
    {
    }

    public ClientWebSocket Socket { get; } = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Opens a connection.</summary>
    public static async Task<SocketClient> OpenAsync(TestServer server, Action<ClientWebSocketOptions>? configure = null, HttpMessageInvoker? invoker = null)
    {
        SocketClient client = new();
        client.Socket.Options.CollectHttpResponseDetails = true;
        configure?.Invoke(client.Socket.Options);
        await client.Socket.ConnectAsync(new UriBuilder(server.Address) { Scheme = "ws", Path = "/v1/responses" }.Uri, invoker, Token);
        return client;
    }

    /// <summary>The status of an attempt that fails.</summary>
    public static async Task<int> RefusedAsync(TestServer server, Action<ClientWebSocketOptions> configure)
    {
        await using SocketClient client = new();
        client.Socket.Options.CollectHttpResponseDetails = true;
        configure(client.Socket.Options);
        await Assert.ThrowsAsync<WebSocketException>(() => client.Socket.ConnectAsync(new UriBuilder(server.Address) { Scheme = "ws", Path = "/v1/responses" }.Uri, Token));
        return (int)client.Socket.HttpStatusCode;
    }

    public Task SendAsync(string message) => SendAsync(Encoding.UTF8.GetBytes(message));

    public Task SendAsync(byte[] bytes, WebSocketMessageType type = WebSocketMessageType.Text, bool isEnd = true) => Socket.SendAsync(bytes, type, isEnd, Token);

    /// <summary>The next message; null where the server closes the connection, which is answered.</summary>
    public async Task<JsonElement?> NextAsync()
    {
        using MemoryStream message = new();
        while (true)
        {
            WebSocketReceiveResult read = await Socket.ReceiveAsync(part, Token);
            if (read.MessageType == WebSocketMessageType.Close)
            {
                try
                {
                    if (Socket.State == WebSocketState.CloseReceived)
                        await Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Token);
                }
                catch (WebSocketException)
                {
                    // A server that was sent no WebSocket's bytes waits for no answer.
                }
                return null;
            }
            Assert.Equal(WebSocketMessageType.Text, read.MessageType);
            message.Write(part, 0, read.Count);
            if (read.EndOfMessage)
                return JsonElement.Parse(message.ToArray());
        }
    }

    /// <summary>Sends a message, where there is one, and reads to the end of its turn: the last event of a response, or an error.</summary>
    public async Task<List<JsonElement>> TurnAsync(string? message = null)
    {
        if (message is not null)
            await SendAsync(message);
        List<JsonElement> events = [];
        do
            events.Add(await NextAsync() ?? throw new InvalidOperationException($"the server closed the connection: {Socket.CloseStatus} {Socket.CloseStatusDescription}"));
        while (events[^1].GetProperty("type").GetString() is not ("response.completed" or "response.incomplete" or "response.failed" or "error"));
        return events;
    }

    /// <summary>Reads what must be the end of the connection.</summary>
    public async Task<WebSocketCloseStatus?> ClosedAsync()
    {
        Assert.Null(await NextAsync());
        return Socket.CloseStatus;
    }

    public ValueTask DisposeAsync()
    {
        Socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
