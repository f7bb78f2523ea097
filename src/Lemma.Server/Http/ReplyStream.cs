using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Lemma.Server.Http;

/// <summary>A reply in pieces: server-sent events, or a JSON object a line.</summary>
internal sealed class ReplyStream
{
    private readonly Call call;
    private readonly bool isEvents;
    private readonly ArrayBufferWriter<byte> buffer = new();

    private ReplyStream(Call call, bool isEvents)
    {
        (this.call, this.isEvents) = (call, isEvents);
        HttpResponse response = call.Context.Response;
        // An error goes on in a stream that has begun.
        if (response.HasStarted)
            return;
        response.ContentType = isEvents ? "text/event-stream; charset=utf-8" : "application/x-ndjson";
        response.Headers.CacheControl = "no-cache";
        // A proxy in between passes pieces on at once.
        response.Headers["X-Accel-Buffering"] = "no";
    }

    /// <summary>Server-sent events.</summary>
    public static ReplyStream Events(Call call) => new(call, isEvents: true);

    /// <summary>A JSON object a line.</summary>
    public static ReplyStream Lines(Call call) => new(call, isEvents: false);

    /// <summary>Sends an object, of events under a name where they have names.</summary>
    public async Task SendAsync(Action<Utf8JsonWriter> write, string? name = null)
    {
        buffer.ResetWrittenCount();
        if (isEvents)
            Put(name is null ? "data: " : $"event: {name}\ndata: ");
        using (Utf8JsonWriter json = new(buffer))
            write(json);
        Put(isEvents ? "\n\n" : "\n");
        await FlushAsync().ConfigureAwait(false);
    }

    /// <summary>Ends OpenAI's events.</summary>
    public async Task DoneAsync()
    {
        buffer.ResetWrittenCount();
        Put("data: [DONE]\n\n");
        await FlushAsync().ConfigureAwait(false);
    }

    private void Put(string text) => buffer.Write(Encoding.UTF8.GetBytes(text));

    private async Task FlushAsync()
    {
        await call.Context.Response.Body.WriteAsync(buffer.WrittenMemory, call.Context.RequestAborted).ConfigureAwait(false);
        await call.Context.Response.Body.FlushAsync(call.Context.RequestAborted).ConfigureAwait(false);
    }
}
