using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
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

    /// <summary>The number of the key that asks.</summary>
    public int Owner { get; set; } = ApiKeys.Nobody;

    /// <summary>Ends when the client leaves.</summary>
    public CancellationToken Cancellation => Context.RequestAborted;

    /// <summary>Reads the body as JSON; the caller disposes it.</summary>
    public async Task<JsonDocument> ReadAsync()
    {
        if (Context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = State.Options.MaximumBodyBytes;
        using MemoryStream body = new();
        await Context.Request.Body.CopyToAsync(body, Cancellation).ConfigureAwait(false);
        ReadOnlyMemory<byte> bytes = body.GetBuffer().AsMemory(0, (int)body.Length);
        RequireText(bytes.Span);
        return JsonDocument.Parse(bytes.ToArray(), Strict);
    }

    // A document of JSON may have bytes and escapes that are no text, and tells it when they are asked for.
    private static void RequireText(ReadOnlySpan<byte> bytes)
    {
        if (!Utf8.IsValid(bytes))
            throw new ApiException(400, "The body is not valid UTF-8.", null, "invalid_json");
        Utf8JsonReader reader = new(bytes);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
                    reader.GetString();
            }
        }
        catch (InvalidOperationException)
        {
            throw new ApiException(400, "The body has an escape of half a character.", null, "invalid_json");
        }
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
