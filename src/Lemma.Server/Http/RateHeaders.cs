using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Lemma.Server.Http;

/// <summary>What a key has left, as OpenAI (<c>x-ratelimit-*</c>) or Anthropic (<c>anthropic-ratelimit-*</c>) tells it; nothing where it has no limits.</summary>
internal static class RateHeaders
{
    private const string Requests = "requests", Tokens = "tokens";

    /// <summary>Names of all, as pages of other origins may read them.</summary>
    public static string Names { get; } = string.Join(", ", ((string[])[Requests, Tokens]).SelectMany(static what =>
        ((string[])["limit", "remaining", "reset"]).SelectMany(part => (string[])[$"x-ratelimit-{part}-{what}", $"anthropic-ratelimit-{what}-{part}"])));

    /// <summary>Writes those of a key.</summary>
    public static void Write(IHeaderDictionary headers, RateLimits limits, int owner, ErrorStyle style)
    {
        (RateLimit? ofRequests, RateLimit? ofTokens) = limits.Look(owner);
        Write(headers, Requests, ofRequests, style);
        Write(headers, Tokens, ofTokens, style);
    }

    private static void Write(IHeaderDictionary headers, string what, RateLimit? limit, ErrorStyle style)
    {
        if (limit is not { } own)
            return;
        bool isAnthropic = style == ErrorStyle.Anthropic;
        headers[isAnthropic ? $"anthropic-ratelimit-{what}-limit" : $"x-ratelimit-limit-{what}"] = own.Most.ToString(CultureInfo.InvariantCulture);
        headers[isAnthropic ? $"anthropic-ratelimit-{what}-remaining" : $"x-ratelimit-remaining-{what}"] = own.Left.ToString(CultureInfo.InvariantCulture);
        headers[isAnthropic ? $"anthropic-ratelimit-{what}-reset" : $"x-ratelimit-reset-{what}"] = isAnthropic ? Instant(own.FullAt) : Duration(own.UntilFull);
    }

    /// <summary>A time of RFC 3339 in whole seconds of UTC, not before the given one.</summary>
    public static string Instant(DateTimeOffset time)
    {
        DateTime utc = time.UtcDateTime;
        long over = utc.Ticks % TimeSpan.TicksPerSecond;
        return (over == 0 ? utc : utc.AddTicks(TimeSpan.TicksPerSecond - over)).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }

    /// <summary>A time as Go writes it and OpenAI tells it, in whole milliseconds and not shorter than the given one: 0s, 17ms, 8.64s, 6m0s, 1h0m0s.</summary>
    public static string Duration(TimeSpan time)
    {
        long milliseconds = (time.Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;
        if (milliseconds is > 0 and < 1000)
            return string.Create(CultureInfo.InvariantCulture, $"{milliseconds}ms");
        (long minutes, long rest) = Math.DivRem(milliseconds, 60_000);
        string seconds = string.Create(CultureInfo.InvariantCulture, $"{rest / 1000m:0.###}s");
        return minutes == 0 ? seconds : string.Create(CultureInfo.InvariantCulture, $"{(minutes >= 60 ? $"{minutes / 60}h" : "")}{minutes % 60}m{seconds}");
    }
}
