using Microsoft.AspNetCore.Http;

namespace Lemma.Server.Http;

/// <summary>Pages of other origins that may ask, by the rules of CORS (https://fetch.spec.whatwg.org/#http-cors-protocol).</summary>
internal sealed class Origins
{
    private const string Any = "*", AnHour = "3600";
    private readonly HashSet<string> allowed;

    public Origins(IEnumerable<string> origins)
    {
        allowed = new HashSet<string>(origins, StringComparer.OrdinalIgnoreCase);
        foreach (string origin in allowed)
        {
            if (origin != Any && !(Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
                && uri.GetLeftPart(UriPartial.Authority).Equals(origin, StringComparison.OrdinalIgnoreCase)))
                throw new ArgumentException($"server: an origin is * or like https://example.org, without a path, but it is '{origin}'");
        }
    }

    public bool AreAllowed => allowed.Count > 0;

    /// <summary>Lets the page of an origin read the reply; true where it may.</summary>
    public bool Allow(HttpContext context)
    {
        if (!AreAllowed)
            return false;
        IHeaderDictionary headers = context.Response.Headers;
        headers.Append("Vary", "Origin");
        string origin = context.Request.Headers.Origin.ToString();
        if (origin.Length == 0 || !Includes(origin))
            return false;
        headers.AccessControlAllowOrigin = allowed.Contains(Any) ? Any : origin;
        headers.AccessControlExposeHeaders = $"X-Request-Id, Retry-After, {RateHeaders.Names}";
        return true;
    }

    /// <summary>
    /// Refuses a WebSocket to a page of another origin. No browser asks before it opens one and none keeps what comes from the page, so the server must
    /// (https://datatracker.ietf.org/doc/html/rfc6455#section-10.2); programs send no origin.
    /// </summary>
    public void RequireForSocket(HttpRequest request)
    {
        string origin = request.Headers.Origin.ToString();
        bool isOwn = Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri) && uri.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase);
        if (origin.Length > 0 && !isOwn && !Includes(origin))
            throw new ApiException(403, "Pages of this origin may not open a connection: the server allows others, or none.", null, "origin_not_allowed");
    }

    private bool Includes(string origin) => allowed.Contains(Any) || allowed.Contains(origin);

    /// <summary>Answers a browser that asks before it sends.</summary>
    public Task Preflight(HttpContext context)
    {
        if (Allow(context))
        {
            context.Response.Headers.AccessControlAllowMethods = "GET, POST, DELETE";
            // What clients send differs; none of it decides anything but the key.
            context.Response.Headers.AccessControlAllowHeaders = context.Request.Headers.AccessControlRequestHeaders is { Count: > 0 } asked
                ? asked.ToString() : "Authorization, Content-Type";
            context.Response.Headers.AccessControlMaxAge = AnHour;
        }
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }
}
