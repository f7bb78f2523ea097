using System.Globalization;

namespace Lemma.Server.Http;

/// <summary>Requests and tokens that a key has a minute: what is not used is saved up to a minute's worth.</summary>
/// <param name="requests">Requests a minute; null for any number.</param>
/// <param name="tokens">Tokens a minute, read and made; null for any number. What a request took is known when it has ended, so the next one waits.</param>
/// <param name="clock">What the time is.</param>
internal sealed class RateLimits(int? requests, int? tokens, TimeProvider clock)
{
    private readonly Lock gate = new();
    private readonly Dictionary<int, (Bucket Requests, Bucket Tokens)> buckets = [];

    /// <summary>Takes a request, or refuses it.</summary>
    public void Take(int owner)
    {
        if (requests is null && tokens is null)
            return;
        lock (gate)
        {
            (Bucket ofRequests, Bucket ofTokens) = Of(owner);
            Refuse(requests, ofRequests, "requests");
            Refuse(tokens, ofTokens, "tokens");
            ofRequests.Left -= 1;
        }
    }

    /// <summary>What a key has of requests and of tokens now; null for what has no limit.</summary>
    public (RateLimit? Requests, RateLimit? Tokens) Look(int owner)
    {
        if (requests is null && tokens is null)
            return (null, null);
        lock (gate)
        {
            (Bucket ofRequests, Bucket ofTokens) = Of(owner);
            return (State(requests, ofRequests), State(tokens, ofTokens));
        }
    }

    /// <summary>Counts what a request took.</summary>
    public void Charge(int owner, long taken)
    {
        if (tokens is null || taken == 0)
            return;
        lock (gate)
            Of(owner).Tokens.Left -= taken;
    }

    private (Bucket Requests, Bucket Tokens) Of(int owner)
    {
        long now = clock.GetTimestamp();
        if (!buckets.TryGetValue(owner, out (Bucket Requests, Bucket Tokens) own))
            buckets[owner] = own = (new Bucket { Left = requests ?? 0, At = now }, new Bucket { Left = tokens ?? 0, At = now });
        Fill(own.Requests, requests, now);
        Fill(own.Tokens, tokens, now);
        return own;
    }

    private void Fill(Bucket bucket, int? most, long now)
    {
        bucket.Left = Math.Min(most ?? 0, bucket.Left + (clock.GetElapsedTime(bucket.At, now).TotalMinutes * (most ?? 0)));
        bucket.At = now;
    }

    private RateLimit? State(int? most, Bucket bucket)
    {
        if (most is not { } limit)
            return null;
        TimeSpan untilFull = TimeSpan.FromMinutes((limit - bucket.Left) / limit);
        return new RateLimit(limit, (long)Math.Max(0, Math.Floor(bucket.Left)), untilFull, clock.GetUtcNow() + untilFull);
    }

    private static void Refuse(int? most, Bucket bucket, string what)
    {
        if (most is not { } limit || bucket.Left >= 1)
            return;
        int seconds = (int)Math.Clamp(Math.Ceiling((1 - bucket.Left) * 60 / limit), 1, 86_400);
        string told = string.Create(CultureInfo.InvariantCulture, $"Rate limit reached: {limit} {what} a minute. Please try again in {seconds} s.");
        throw new ApiException(429, told, null, "rate_limit_exceeded") { RetryAfter = seconds };
    }

    private sealed class Bucket
    {
        public double Left { get; set; }

        public long At { get; set; }
    }
}

/// <summary>What is left of a limit.</summary>
/// <param name="Most">What it is a minute.</param>
/// <param name="Left">What is left now, at least 0.</param>
/// <param name="UntilFull">How long until all of it is there again.</param>
/// <param name="FullAt">When that is.</param>
internal readonly record struct RateLimit(int Most, long Left, TimeSpan UntilFull, DateTimeOffset FullAt);
