using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Lemma.Server.Http;

/// <summary>One request and its reply: of HTTP, or a turn of a connection.</summary>
internal sealed class Call : IDisposable
{
    private readonly CancellationTokenSource? limit;
    private readonly List<ServedEngine> taken = [];

    /// <summary>A request that begins.</summary>
    /// <param name="context">What ASP.NET Core knows of it.</param>
    /// <param name="state">What all requests share.</param>
    /// <param name="id">Its id.</param>
    /// <param name="left">Ends when the client leaves.</param>
    public Call(HttpContext context, ServerState state, string id, CancellationToken left)
    {
        (Context, State, Id, Left) = (context, state, id, left);
        if (state.Options.MostTime is not { } most)
            return;
        limit = CancellationTokenSource.CreateLinkedTokenSource(left);
        limit.CancelAfter(most);
    }

    public HttpContext Context { get; }

    public ServerState State { get; }

    /// <summary>The id that its line in the log has.</summary>
    public string Id { get; }

    /// <summary>Ends when the client leaves.</summary>
    public CancellationToken Left { get; }

    /// <summary>What runs the turns of a connection.</summary>
    public required RouteRunner Runner { get; init; }

    /// <summary>The status of the reply.</summary>
    public int Status { get; set; } = StatusCodes.Status200OK;

    /// <summary>When it came.</summary>
    public long Started { get; } = TimeProvider.System.GetTimestamp();

    /// <summary>The number of the key that asks.</summary>
    public int Owner { get; set; } = ApiKeys.Nobody;

    /// <summary>Tokens that it has taken, read and made.</summary>
    public Func<long> Spent { get; set; } = static () => 0;

    /// <summary>The body as it came, where bodies are logged.</summary>
    public string? Body { get; private set; }

    /// <summary>Ends when the client leaves, or when it has taken as long as a request may.</summary>
    public CancellationToken Cancellation => limit?.Token ?? Left;

    /// <summary>Whether the client has left.</summary>
    public bool IsLeft => Left.IsCancellationRequested;

    /// <summary>Whether it has taken as long as a request may.</summary>
    public bool IsLate => limit is { IsCancellationRequested: true } && !IsLeft;

    /// <summary>The model that writes by a name, or the first one; it stays in memory while this request runs.</summary>
    public async Task<ServedEngine> WriterAsync(string? name) => (await TakeAsync(State.Pool.Find(name, embeds: false)).ConfigureAwait(false)).As(name);

    /// <summary>The model that makes vectors by a name, or the first one; it stays in memory while this request runs.</summary>
    public Task<ServedEngine> EmbedderAsync(string? name) => TakeAsync(State.Pool.Find(name, embeds: true));

    /// <summary>Lends a model while this request runs.</summary>
    public async Task<ServedEngine> TakeAsync(ServedModel model)
    {
        ServedEngine engine = await State.Pool.TakeAsync(model, Cancellation).ConfigureAwait(false);
        taken.Add(engine);
        return engine;
    }

    /// <summary>Reads the body as JSON; the caller disposes it.</summary>
    public async Task<JsonDocument> ReadAsync()
    {
        if (Context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } most)
            most.MaxRequestBodySize = State.Options.MaximumBodyBytes;
        using MemoryStream body = new();
        await Context.Request.Body.CopyToAsync(body, Cancellation).ConfigureAwait(false);
        return Parse(body.ToArray());
    }

    /// <summary>Reads JSON that was sent; the caller disposes it.</summary>
    public JsonDocument Parse(byte[] bytes)
    {
        if (State.Options.LogsBodies)
            Body = System.Text.Encoding.UTF8.GetString(bytes);
        return RequestJson.Parse(bytes);
    }

    /// <summary>Replies with JSON.</summary>
    public Task WriteAsync(Action<Utf8JsonWriter> write, int status = StatusCodes.Status200OK)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
            write(json);
        return WriteAsync(buffer.WrittenMemory, "application/json", status);
    }

    /// <summary>Replies with bytes.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> body, string type, int status = StatusCodes.Status200OK)
    {
        HttpResponse response = Context.Response;
        (Status, response.StatusCode, response.ContentType, response.ContentLength) = (status, status, type, body.Length);
        await response.Body.WriteAsync(body, Context.RequestAborted).ConfigureAwait(false);
    }

    public void Dispose()
    {
        foreach (ServedEngine engine in taken)
            State.Pool.Give(engine);
        limit?.Dispose();
    }
}
