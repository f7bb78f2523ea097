using Lemma.Server.Http;
using Lemma.Server.Ollama;
using Lemma.Server.Responses;

namespace Lemma.Server;

/// <summary>What all requests share: the models, the keys, the counters.</summary>
internal sealed class ServerState : IDisposable
{
    // Seeds of the texts of one request follow each other, so those of two requests are far apart.
    private const int SeedsOfARequest = 1 << 16;
    private readonly CancellationTokenSource draining = new();
    private long answers;

    /// <summary>Reads the models.</summary>
    public ServerState(LemmaServerOptions options)
    {
        Options = options;
        Keys = new ApiKeys(options.ApiKeys);
        Origins = new Origins(options.Origins);
        Limits = new RateLimits(options.RequestsPerMinute, options.TokensPerMinute, options.Clock);
        Responses = new ResponseStore(options.StoredResponseBytes);
        Pool = new ModelPool(options);
    }

    public LemmaServerOptions Options { get; }

    public ApiKeys Keys { get; }

    public Origins Origins { get; }

    public RateLimits Limits { get; }

    public ResponseStore Responses { get; }

    public ModelPool Pool { get; }

    /// <summary>What the files of models say, for Ollama's API.</summary>
    public ModelCards Cards { get; } = new();

    public ServerMetrics Metrics { get; } = new();

    /// <summary>When it began.</summary>
    public DateTimeOffset Created { get; } = DateTimeOffset.UtcNow;

    /// <summary>The most time of a WebSocket: 60 minutes, by the Open Responses specification of 2026-04-24.</summary>
    public TimeSpan ConnectionTime { get; set; } = TimeSpan.FromMinutes(60);

    /// <summary>The time that a turn of a WebSocket has from the moment when the server ends, so that its connection is closed in order.</summary>
    public TimeSpan DrainTime { get; set; } = Timeout.InfiniteTimeSpan;

    /// <summary>Whether the server ends: what runs goes on, nothing new is taken.</summary>
    public bool IsDraining => draining.IsCancellationRequested;

    /// <summary>Cancelled when the server ends.</summary>
    public CancellationToken Draining => draining.Token;

    /// <summary>The models in memory.</summary>
    public IReadOnlyList<ServedEngine> Engines => Pool.Loaded;

    /// <summary>The seed of a request that names none: each has its own.</summary>
    public ulong NextSeed() => unchecked((ulong)Interlocked.Increment(ref answers) * SeedsOfARequest);

    /// <summary>Lets the server end.</summary>
    public void Drain() => draining.Cancel();

    public void Dispose()
    {
        Pool.Dispose();
        draining.Dispose();
    }
}
