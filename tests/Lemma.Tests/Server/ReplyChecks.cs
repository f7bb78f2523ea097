using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Lemma.Tests.Server;

/// <summary>Holds every reply and event of OpenAI's routes to the published document, whatever client asked.</summary>
internal sealed class ReplyChecks
{
    private readonly ConcurrentQueue<string> wrong = [];
    private int checkedReplies;

    /// <summary>How many replies were looked at.</summary>
    public int Count => Volatile.Read(ref checkedReplies);

    /// <summary>Looks at the replies of an app.</summary>
    public void Use(WebApplication app) => app.Use(async (context, next) =>
    {
        if (Schema(context.Request) is not { } schema)
        {
            await next(context);
            return;
        }
        Stream real = context.Response.Body;
        await using Copying copy = new(real);
        context.Response.Body = copy;
        try
        {
            await next(context);
        }
        finally
        {
            context.Response.Body = real;
        }
        // A client that left may have cut an event in two.
        if (context.RequestAborted.IsCancellationRequested)
            return;
        string route = $"{context.Request.Method} {context.Request.Path}";
        try
        {
            Check(context.Response, schema, Encoding.UTF8.GetString(copy.Written.ToArray()), route);
        }
        // The reply is the client's; what is wrong fails the test when it ends.
        catch (Exception failure)
        {
            Note(failure.ToString(), route);
        }
    });

    /// <summary>Fails where a reply was wrong.</summary>
    public void Assert() => Xunit.Assert.True(wrong.IsEmpty, string.Join("\n\n", wrong.Take(5)));

    private static string? Schema(HttpRequest request) => (request.Method, request.Path.Value) switch
    {
        ("POST", "/v1/chat/completions") => "CreateChatCompletionResponse",
        ("POST", "/v1/completions") => "CreateCompletionResponse",
        ("POST", "/v1/embeddings") => "CreateEmbeddingResponse",
        ("POST", "/v1/responses") => "Response",
        ("POST", "/v1/responses/input_tokens") => "TokenCountsResource",
        ("GET", "/v1/models") => "ListModelsResponse",
        ("GET", { } path) when path.StartsWith("/v1/models/", StringComparison.Ordinal) => "Model",
        ("GET", { } path) when path.StartsWith("/v1/responses/", StringComparison.Ordinal) => path.EndsWith("/input_items", StringComparison.Ordinal) ? "ResponseItemList" : "Response",
        _ => null,
    };

    private void Check(HttpResponse response, string schema, string body, string route)
    {
        Interlocked.Increment(ref checkedReplies);
        if (response.StatusCode != 200)
            Note(OpenAIDocument.Wrong("ErrorResponse", JsonElement.Parse(body)), route);
        else if (response.ContentType?.StartsWith("text/event-stream", StringComparison.Ordinal) != true)
            Note(OpenAIDocument.Wrong(schema, WithoutFirst(JsonElement.Parse(body))), route);
        else
            CheckEvents(schema, body, route);
    }

    private void CheckEvents(string schema, string body, string route)
    {
        string[] lines = [.. body.Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => line[6..])];
        int number = 0;
        foreach (string line in lines.Where(line => line != "[DONE]"))
        {
            JsonElement value = JsonElement.Parse(line);
            if (schema == "Response")
            {
                Note(OpenAIDocument.WrongEvent(value), route);
                Note(value.GetProperty("sequence_number").GetInt32() == number++ ? null : $"an event out of order: {line}", route);
            }
            else
                Note(OpenAIDocument.Wrong(value.TryGetProperty("error", out _) ? "ErrorResponse" : schema == "CreateChatCompletionResponse" ? "CreateChatCompletionStreamResponse" : schema, WithoutFirst(value)), route);
        }
    }

    // The document does not know that the first token of an echoed prompt has null, as OpenAI's own replies have.
    private static JsonElement WithoutFirst(JsonElement value)
    {
        if (!value.TryGetProperty("object", out JsonElement kind) || kind.GetString() != "text_completion")
            return value;
        JsonNode reply = JsonNode.Parse(value.GetRawText())!;
        foreach (JsonNode? choice in reply["choices"]!.AsArray())
        {
            if (choice!["logprobs"] is not JsonObject logs || logs["token_logprobs"]!.AsArray() is not [null, ..] told)
                continue;
            told.RemoveAt(0);
            Xunit.Assert.Null(logs["top_logprobs"]![0]);
            logs["top_logprobs"]!.AsArray().RemoveAt(0);
        }
        return JsonSerializer.SerializeToElement(reply);
    }

    private void Note(string? what, string route)
    {
        if (what is not null)
            wrong.Enqueue($"{route}: {what}");
    }

    private sealed class Copying(Stream inner) : Stream
    {
        public MemoryStream Written { get; } = new();

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush() => inner.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Written.Write(buffer.Span);
            await inner.WriteAsync(buffer, cancellationToken);
        }
    }
}
