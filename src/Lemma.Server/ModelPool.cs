using Lemma.Server.Http;

namespace Lemma.Server;

/// <summary>The models of a server: all in memory, or under a budget those that were asked for last.</summary>
internal sealed class ModelPool : IDisposable
{
    private readonly Lock gate = new();
    private readonly SemaphoreSlim loading = new(1);
    private readonly LemmaServerOptions options;
    private readonly ServedModel[] models;
    private readonly Dictionary<string, ServedEngine> loaded = new(StringComparer.Ordinal);
    private long clock;

    /// <summary>Reads the models where there is no budget; with one each is read when it is asked for.</summary>
    public ModelPool(LemmaServerOptions options)
    {
        this.options = options;
        models = [.. options.Models];
        if (models.Length == 0)
            throw new ArgumentException("server: there must be at least one model, but there is none");
        IEnumerable<string> names = models.SelectMany(static model => model.Names);
        foreach (IGrouping<string, string> name in names.GroupBy(static name => name, StringComparer.Ordinal))
        {
            if (name.Count() > 1)
                throw new ArgumentException($"server: a name is that of one model, but {name.Count()} are called '{name.Key}'");
        }
        if (Array.Find(models, static model => model.IsEmbedding && model.Adapters.Count > 0) is { } changed)
            throw new ArgumentException($"server: an adapter changes a model that writes, but '{changed.Name}' makes vectors");
        if (options.ModelBytes is { } budget)
        {
            foreach (ServedModel model in models)
            {
                if (model.FileBytes > budget)
                    throw new ArgumentException($"server: a model must fit in the memory for models, {budget} bytes, but '{model.Name}' has {model.FileBytes}");
            }
            return;
        }
        try
        {
            foreach (ServedModel model in models)
                loaded[model.Name] = new ServedEngine(model, options);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>All models, in memory or not.</summary>
    public IReadOnlyList<ServedModel> Models => models;

    /// <summary>Those in memory, in the order of the options.</summary>
    public IReadOnlyList<ServedEngine> Loaded
    {
        get
        {
            lock (gate)
                return [.. models.Select(model => loaded.GetValueOrDefault(model.Name)).OfType<ServedEngine>()];
        }
    }

    /// <summary>A model by a name or an alias; the first of its kind for no name.</summary>
    public ServedModel Find(string? name, bool embeds)
    {
        string what = embeds ? "makes vectors of texts" : "writes text";
        if (name is null)
            return Array.Find(models, model => model.IsEmbedding == embeds) ?? throw new ApiException(404, $"No model here {what}.", "model", "model_not_found");
        ServedModel model = Known(name) ?? throw new ApiException(404,
            $"The model '{name}' does not exist; there are: {string.Join(", ", models.Select(static model => model.Name))}.", "model", "model_not_found");
        return model.IsEmbedding == embeds ? model
            : throw new ApiException(400, $"The model '{name}' is of another kind: it is not one that {what}.", "model", "unsupported_model");
    }

    /// <summary>A model by a name or an alias; Ollama's clients add a tag.</summary>
    public ServedModel? Known(string name) => Array.Find(models, model => model.IsCalled(name))
        ?? (name.EndsWith(":latest", StringComparison.Ordinal) ? Array.Find(models, model => model.IsCalled(name[..^":latest".Length])) : null);

    /// <summary>Lends a model, which stays in memory until it is given back; it is read where it must be.</summary>
    public async Task<ServedEngine> TakeAsync(ServedModel model, CancellationToken cancellation)
    {
        if (Take(model) is { } ready)
            return ready;
        await loading.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (Take(model) is { } now)
                return now;
            foreach (ServedEngine dropped in MakeRoom(model))
                dropped.Dispose();
            ServedEngine engine = await Task.Run(() => new ServedEngine(model, options), cancellation).ConfigureAwait(false);
            lock (gate)
                loaded[model.Name] = engine;
            return Take(model)!;
        }
        finally
        {
            loading.Release();
        }
    }

    /// <summary>Gives a model back.</summary>
    public void Give(ServedEngine engine)
    {
        lock (gate)
            engine.Users--;
    }

    public void Dispose()
    {
        foreach (ServedEngine engine in loaded.Values)
            engine.Dispose();
        loading.Dispose();
    }

    private ServedEngine? Take(ServedModel model)
    {
        lock (gate)
        {
            if (!loaded.TryGetValue(model.Name, out ServedEngine? engine))
                return null;
            engine.Users++;
            engine.LastUsed = ++clock;
            return engine;
        }
    }

    // Those that nobody uses go, the one that was used longest ago first.
    private List<ServedEngine> MakeRoom(ServedModel model)
    {
        List<ServedEngine> dropped = [];
        if (options.ModelBytes is not { } budget)
            return dropped;
        lock (gate)
        {
            long taken = loaded.Values.Sum(static engine => engine.FileBytes);
            foreach (ServedEngine engine in loaded.Values.Where(static engine => engine.Users == 0).OrderBy(static engine => engine.LastUsed))
            {
                if (taken + model.FileBytes <= budget)
                    break;
                dropped.Add(engine);
                taken -= engine.FileBytes;
            }
            if (taken + model.FileBytes > budget)
            {
                throw new ApiException(ApiException.Unavailable, $"The memory for models is taken by those that answer others; '{model.Name}' must wait.", "model",
                    "model_busy");
            }
            foreach (ServedEngine engine in dropped)
                loaded.Remove(engine.Name);
        }
        return dropped;
    }
}
