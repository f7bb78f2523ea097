using System.Globalization;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Text.Templates;
using Microsoft.AspNetCore.Http;

namespace Lemma.Server.Http;

/// <summary>An error of a request: the status, what the user is told, and which field is wrong.</summary>
internal sealed class ApiException(int status, string message, string? param = null, string? code = null) : Exception(message)
{
    public const int Unavailable = StatusCodes.Status503ServiceUnavailable;

    public int Status => status;

    public string? Param => param;

    public string? Code => code;

    /// <summary>Seconds to wait before the next try.</summary>
    public int? RetryAfter { get; init; } = status == Unavailable ? 1 : null;

    /// <summary>OpenAI's word for the kind of error.</summary>
    public string Type => status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status404NotFound => "not_found_error",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };

    /// <summary>What a user is told of an exception; null for one that is the server's own fault and whose words are not for users.</summary>
    public static ApiException? Of(Exception failure, Call call) => failure switch
    {
        OperationCanceledException when call.IsLate => new ApiException(408, string.Create(CultureInfo.InvariantCulture,
            $"The request took longer than {call.State.Options.MostTime!.Value.TotalSeconds:0.#} s, the most that it may."), null, "request_timeout"),
        ApiException own => own,
        QueueFullException => new ApiException(Unavailable, "The queue is full; try again later.", null, "queue_full"),
        ObjectDisposedException => new ApiException(Unavailable, "The server is shutting down.", null, "shutting_down"),
        JsonException => new ApiException(400, $"The body is not valid JSON: {failure.Message}", null, "invalid_json"),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new ApiException(413, "The body is too large.", null, "request_too_large"),
        BadHttpRequestException bad => new ApiException(bad.StatusCode, bad.Message),
        TemplateException template => new ApiException(400, $"The chat template refuses the conversation: {template.Refusal ?? template.Message}", "messages",
            "invalid_messages"),
        ArgumentException => new ApiException(400, failure.Message, null, "invalid_value"),
        _ => null,
    };
}
