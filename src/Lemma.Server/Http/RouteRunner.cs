using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Lemma.Server.Http;

/// <summary>Runs a request from its key to its line in the log: what goes wrong is told in the words of its API.</summary>
internal sealed partial class RouteRunner(ServerState state, ILogger log)
{
    private const int LongestId = 64;

    /// <summary>Answers a request of HTTP.</summary>
    public async Task RunAsync(HttpContext context, ServerRoute route)
    {
        using Call call = new(context, state, Id(context), context.RequestAborted) { Runner = this };
        context.Response.Headers["X-Request-Id"] = call.Id;
        state.Origins.Allow(context);
        await RunAsync(call, route, error => TellAsync(call, route.Style, error)).ConfigureAwait(false);
    }

    /// <summary>Answers a request, however it came.</summary>
    /// <param name="call">The request.</param>
    /// <param name="route">What answers.</param>
    /// <param name="tell">Tells an error to a client that has not left.</param>
    public async Task RunAsync(Call call, ServerRoute route, Func<ApiException, Task> tell)
    {
        try
        {
            if (!route.IsOpen)
                Admit(call, route);
            await route.Answer(call).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (call.IsLeft)
        {
            // Nobody reads a reply.
        }
        catch (Exception failure)
        {
            ApiException? error = ApiException.Of(failure, call);
            if (error is null)
                Failed(log, call.Id, route.Path, failure);
            if (!call.IsLeft)
            {
                await tell(error ?? new ApiException(500, "The server had an error while processing your request.", null, "internal_error"))
                    .ConfigureAwait(false);
            }
        }
        finally
        {
            long spent = call.Spent();
            state.Limits.Charge(call.Owner, spent);
            TimeSpan time = TimeProvider.System.GetElapsedTime(call.Started);
            state.Metrics.Replied(route.Path, call.Status, time);
            Answered(log, call.Id, route.Method, route.Path, call.Status, (long)time.TotalMilliseconds, spent);
            if (call.Body is { } body)
                Asked(log, call.Id, body);
        }
    }

    private void Admit(Call call, ServerRoute route)
    {
        call.Owner = state.Keys.Check(call.Context.Request);
        if (state.IsDraining)
            throw new ApiException(ApiException.Unavailable, "The server is shutting down.", null, "shutting_down");
        if (!route.IsCounted)
            return;
        try
        {
            state.Limits.Take(call.Owner);
        }
        finally
        {
            // A turn of a connection has no headers of its own.
            if (!call.Context.Response.HasStarted)
                RateHeaders.Write(call.Context.Response.Headers, state.Limits, call.Owner, route.Style);
        }
    }

    // A client's own id stands in the log, where it is one: nothing that would break a line.
    private static string Id(HttpContext context) => context.Request.Headers["X-Request-Id"].ToString() is { Length: > 0 and <= LongestId } own
        && own.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') ? own : context.TraceIdentifier.Replace(':', '-');

    private static async Task TellAsync(Call call, ErrorStyle style, ApiException error)
    {
        if (call.Context.Response.HasStarted)
        {
            await style.SendAsync(call, error).ConfigureAwait(false);
            return;
        }
        call.Context.Response.Headers.Remove("Cache-Control");
        if (error.RetryAfter is { } seconds)
            call.Context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (error.Status == StatusCodes.Status401Unauthorized)
            call.Context.Response.Headers.WWWAuthenticate = "Bearer";
        await call.WriteAsync(json => style.Write(json, error), error.Status).ConfigureAwait(false);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Request {Id} to {Path} failed")]
    private static partial void Failed(ILogger log, string id, string path, Exception failure);

    [LoggerMessage(Level = LogLevel.Information, Message = "Request {Id} {Method} {Path}: {Status} in {Milliseconds} ms, {Tokens} tokens")]
    private static partial void Answered(ILogger log, string id, string method, string path, int status, long milliseconds, long tokens);

    [LoggerMessage(Level = LogLevel.Information, Message = "Request {Id} asked: {Body}")]
    private static partial void Asked(ILogger log, string id, string body);
}
