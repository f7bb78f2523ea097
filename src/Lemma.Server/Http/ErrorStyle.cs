using System.Text.Json;

namespace Lemma.Server.Http;

/// <summary>How an API tells errors.</summary>
internal abstract class ErrorStyle
{
    public static ErrorStyle OpenAI { get; } = new OpenAIErrors();

    public static ErrorStyle Responses { get; } = new ResponsesErrors();

    public static ErrorStyle Ollama { get; } = new OllamaErrors();

    public static ErrorStyle Anthropic { get; } = new AnthropicErrors();

    /// <summary>The body of an error.</summary>
    public abstract void Write(Utf8JsonWriter json, ApiException error);

    /// <summary>Tells an error within a stream that has begun.</summary>
    public abstract Task SendAsync(Call call, ApiException error);

    // A stream of the Responses API tells its failure itself, as an event of the response.
    private sealed class ResponsesErrors : ErrorStyle
    {
        public override void Write(Utf8JsonWriter json, ApiException error) => OpenAI.Write(json, error);

        public override Task SendAsync(Call call, ApiException error) => Task.CompletedTask;
    }

    private sealed class OpenAIErrors : ErrorStyle
    {
        public override void Write(Utf8JsonWriter json, ApiException error)
        {
            json.WriteStartObject();
            json.WriteStartObject("error");
            json.WriteString("message", error.Message);
            json.WriteString("type", error.Type);
            json.WriteString("param", error.Param);
            json.WriteString("code", error.Code);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        public override Task SendAsync(Call call, ApiException error) => ReplyStream.Events(call).SendAsync(json => Write(json, error));
    }

    private sealed class OllamaErrors : ErrorStyle
    {
        public override void Write(Utf8JsonWriter json, ApiException error)
        {
            json.WriteStartObject();
            json.WriteString("error", error.Message);
            json.WriteEndObject();
        }

        public override Task SendAsync(Call call, ApiException error) => ReplyStream.Lines(call).SendAsync(json => Write(json, error));
    }

    private sealed class AnthropicErrors : ErrorStyle
    {
        public override void Write(Utf8JsonWriter json, ApiException error)
        {
            json.WriteStartObject();
            json.WriteString("type", "error");
            json.WriteStartObject("error");
            json.WriteString("type", error.Status switch
            {
                413 => "request_too_large",
                408 => "timeout_error",
                503 => "overloaded_error",
                >= 500 => "api_error",
                _ => error.Type,
            });
            json.WriteString("message", error.Message);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        public override Task SendAsync(Call call, ApiException error) => ReplyStream.Events(call).SendAsync(json => Write(json, error), "error");
    }
}
