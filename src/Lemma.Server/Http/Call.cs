using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Lemma.Server.Http;

/// <summary>One request and its reply.</summary>
/// <param name="Context">What ASP.NET Core knows of it.</param>
/// <param name="State">What all requests share.</param>
internal sealed record Call(HttpContext Context, ServerState State)
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>When it came.</summary>
    public long Started { get; } = TimeProvider.System.GetTimestamp();

    /// <summary>Ends when the client leaves.</summary>
    public CancellationToken Cancellation => Context.RequestAborted;

    /// <summary>Reads the body as JSON; the caller disposes it.</summary>
    public async Task<JsonDocument> ReadAsync()
    {
        if (Context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = State.Options.MaximumBodyBytes;
        return await JsonDocument.ParseAsync(Context.Request.Body, Strict, Cancellation).ConfigureAwait(false);
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
        (response.StatusCode, response.ContentType, response.ContentLength) = (status, type, body.Length);
        await response.Body.WriteAsync(body, Cancellation).ConfigureAwait(false);
    }
}
