using System.Buffers;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language.Serving;
using Lemma.Server.Http;

namespace Lemma.Server.Responses;

/// <summary>A response from its beginning to its end: whatever carries its events, they are these.</summary>
internal sealed class ResponseRun
{
    private readonly Call call;
    private readonly ResponseAsked asked;
    private readonly Func<string, Action<Utf8JsonWriter>, Task>? send;
    private readonly ResponseOutput output;
    private readonly string id = $"resp_{Guid.NewGuid():N}";
    private readonly long created = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
    private int number;

    private ResponseRun(Call call, ResponseAsked asked, Func<string, Action<Utf8JsonWriter>, Task>? send)
    {
        (this.call, this.asked, this.send) = (call, asked, send);
        output = new ResponseOutput(asked.Engine.Writer!.Model, SendAsync);
    }

    /// <summary>Makes a response and keeps it.</summary>
    /// <param name="call">The request.</param>
    /// <param name="asked">What it asks for.</param>
    /// <param name="memory">Where it is kept, before its last event is sent.</param>
    /// <param name="send">Sends an event: its type, and what writes it. Nothing is sent before something was made, and the last event tells a failure behind that.
    /// Null sends none.</param>
    /// <returns>The response as JSON.</returns>
    public static async Task<ReadOnlyMemory<byte>> RunAsync(Call call, ResponseAsked asked, ResponseMemory memory,
        Func<string, Action<Utf8JsonWriter>, Task>? send = null)
    {
        AnswerRequest request = ChatAnswers.Begin(call, asked.Engine, asked.Prompt, asked.Answer, "text.format", "input");
        ResponseRun run = new(call, asked, send);
        string status = await run.ReadAsync(request).ConfigureAwait(false);
        ReadOnlyMemory<byte> body = run.Body(request, status);
        // Log-probabilities stand in the reply that is kept; a conversation goes on without them.
        memory.Keep(new StoredResponse(run.id, call.Owner, asked.Stores ? body : default, asked.Input,
            [.. asked.Conversation, .. run.output.Items.Select(static item => item with { Choices = [] })]), asked.Stores);
        await run.SendAsync("response." + status, json =>
        {
            json.WritePropertyName("response");
            json.WriteRawValue(body.Span);
        }).ConfigureAwait(false);
        return body;
    }

    private async Task<string> ReadAsync(AnswerRequest request)
    {
        bool began = false;
        string status = "completed";
        try
        {
            await foreach (AnswerUpdate update in request.ReadAsync(call.Cancellation).ConfigureAwait(false))
            {
                // What fails before anything was made has a status of its own.
                if (!began)
                {
                    OpenAI.ChatCompletions.Began(call, ref began);
                    await SendStateAsync("response.created", "in_progress", null).ConfigureAwait(false);
                    await SendStateAsync("response.in_progress", "in_progress", null).ConfigureAwait(false);
                }
                await output.AddAsync(update).ConfigureAwait(false);
                if (update.End == TextEnd.Length)
                    status = "incomplete";
            }
        }
        catch (Exception failure) when (began && !call.IsLeft)
        {
            string told = ApiException.Of(failure, call)?.Message ?? "The server had an error while processing your request.";
            await SendStateAsync("response.failed", "failed", told).ConfigureAwait(false);
            throw;
        }
        return status;
    }

    private ReadOnlyMemory<byte> Body(AnswerRequest request, string status)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
            ResponseJson.Write(json, asked, id, created, status, output.Items, request);
        return buffer.WrittenMemory;
    }

    private Task SendStateAsync(string type, string status, string? error) => SendAsync(type, json =>
    {
        json.WritePropertyName("response");
        ResponseJson.Write(json, asked, id, created, status, output.Items, error: error);
    });

    private Task SendAsync(string type, Action<Utf8JsonWriter> write) => send is null ? Task.CompletedTask : send(type, json =>
    {
        json.WriteStartObject();
        json.WriteString("type", type);
        json.WriteNumber("sequence_number", number++);
        write(json);
        json.WriteEndObject();
    });
}
