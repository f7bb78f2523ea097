using Lemma.Server.Http;
using Lemma.Server.Responses;

namespace Lemma.Server;

/// <summary>What all requests share: the models, the keys, the counters.</summary>
internal sealed class ServerState : IDisposable
{
    // Seeds of the texts of one request follow each other, so those of two requests are far apart.
    private const int SeedsOfARequest = 1 << 16;
    private readonly List<ServedEngine> engines = [];
    private long answers;

    /// <summary>Reads the models.</summary>
    public ServerState(LemmaServerOptions options)
    {
        Options = options;
        Keys = new ApiKeys(options.ApiKeys);
        Responses = new ResponseStore(options.StoredResponseBytes);
        if (options.Models.Count == 0)
            throw new ArgumentException("server: there must be at least one model, but there is none");
        if (options.Models.GroupBy(model => model.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"server: a name is that of one model, but {twice.Count()} are called '{twice.Key}'");
        try
        {
            foreach (ServedModel model in options.Models)
                engines.Add(new ServedEngine(model, options));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public LemmaServerOptions Options { get; }

    public ApiKeys Keys { get; }

    public ResponseStore Responses { get; }

    public ServerMetrics Metrics { get; } = new();

    /// <summary>Whether the server ends: what runs goes on, nothing new is taken.</summary>
    public bool IsDraining { get; set; }

    public IReadOnlyList<ServedEngine> Engines => engines;

    /// <summary>The seed of a request that names none: each has its own.</summary>
    public ulong NextSeed() => unchecked((ulong)Interlocked.Increment(ref answers) * SeedsOfARequest);

    /// <summary>The model that writes by a name; the first one for no name.</summary>
    public ServedEngine Writer(string? name) => Find(name, "writes text", static engine => engine.Writer is not null);

    /// <summary>The model that makes vectors by a name; the first one for no name.</summary>
    public ServedEngine Embedder(string? name) => Find(name, "makes vectors of texts", static engine => engine.Embedding is not null);

    public void Dispose()
    {
        foreach (ServedEngine engine in engines)
            engine.Dispose();
    }

    private ServedEngine Find(string? name, string what, Func<ServedEngine, bool> fits)
    {
        if (name is null)
            return engines.Find(engine => fits(engine)) ?? throw new ApiException(404, $"No model here {what}.", "model", "model_not_found");
        // Ollama's clients add a tag.
        ServedEngine engine = engines.Find(engine => engine.Name == name || $"{engine.Name}:latest" == name)
            ?? throw new ApiException(404, $"The model '{name}' does not exist; there are: {string.Join(", ", engines.Select(engine => engine.Name))}.", "model",
                "model_not_found");
        return fits(engine) ? engine
            : throw new ApiException(400, $"The model '{name}' is of another kind: it is not one that {what}.", "model", "unsupported_model");
    }
}
