using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Lemma.Server.Http;

/// <summary>Runs a request from its key to its line in the log: what goes wrong is told in the words of its API.</summary>
internal sealed partial class RouteRunner(ServerState state, ILogger log)
{
    private const int LongestId = 64;

    /// <summary>Answers a request.</summary>
    public async Task RunAsync(HttpContext context, ServerRoute route)
    {
        using Call call = new(context, state);
        string id = Id(context);
        context.Response.Headers["X-Request-Id"] = id;
        state.Origins.Allow(context);
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
                Failed(log, id, route.Path, failure);
            await TellAsync(call, route.Style, error ?? new ApiException(500, "The server had an error while processing your request.", null, "internal_error"))
                .ConfigureAwait(false);
        }
        finally
        {
            long spent = call.Spent();
            state.Limits.Charge(call.Owner, spent);
            TimeSpan time = TimeProvider.System.GetElapsedTime(call.Started);
            state.Metrics.Replied(route.Path, context.Response.StatusCode, time);
            Answered(log, id, route.Method, route.Path, context.Response.StatusCode, (long)time.TotalMilliseconds, spent);
            if (call.Body is { } body)
                Asked(log, id, body);
        }
    }

    private void Admit(Call call, ServerRoute route)
    {
        call.Owner = state.Keys.Check(call.Context.Request);
        if (state.IsDraining)
            throw new ApiException(ApiException.Unavailable, "The server is shutting down.", null, "shutting_down");
        if (route.Method != "POST")
            return;
        try
        {
            state.Limits.Take(call.Owner);
        }
        finally
        {
            RateHeaders.Write(call.Context.Response.Headers, state.Limits, call.Owner, route.Style);
        }
    }

    // A client's own id stands in the log, where it is one: nothing that would break a line.
    private static string Id(HttpContext context) => context.Request.Headers["X-Request-Id"].ToString() is { Length: > 0 and <= LongestId } own
        && own.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') ? own : context.TraceIdentifier.Replace(':', '-');

    private static async Task TellAsync(Call call, ErrorStyle style, ApiException error)
    {
        if (call.IsLeft)
            return;
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
