using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Weights;

namespace Lemma.Server;

/// <summary>A model in memory, with what serves it.</summary>
internal sealed class ServedEngine : IDisposable
{
    private readonly LanguageModel? language;
    private readonly SortedDictionary<string, Adapter> adapters = new(StringComparer.Ordinal);

    /// <summary>Reads a model.</summary>
    public ServedEngine(ServedModel model, LemmaServerOptions options)
    {
        (Name, FileBytes, Turn) = (model.Name, model.FileBytes, new SemaphoreSlim(1));
        if (model.IsEmbedding)
        {
            Embedding = EmbeddingModel.Load(model.Path, options.Threads);
            return;
        }
        language = LanguageModel.Load(model.Path, options.Threads, options.CacheFormat);
        try
        {
            Writer = new LanguageEngine(language, options.Batching);
            foreach ((string name, string folder) in model.Adapters)
                adapters.Add(name, Writer.ReadAdapter(folder));
        }
        catch
        {
            Writer?.Dispose();
            foreach (Adapter adapter in adapters.Values)
                adapter.Dispose();
            language.Dispose();
            throw;
        }
    }

    // What a request sees of a model with an adapter; it owns nothing.
    private ServedEngine(ServedEngine model, string name, Adapter adapter)
    {
        (Name, Adapter, FileBytes) = (name, adapter, model.FileBytes);
        (Writer, language, Turn) = (model.Writer, model.language, model.Turn);
    }

    public string Name { get; }

    /// <summary>What changes the model for requests of this name; null for nothing.</summary>
    public Adapter? Adapter { get; }

    /// <summary>Bytes of its file, or of the files in its folder.</summary>
    public long FileBytes { get; }

    /// <summary>Requests that use it; of the pool.</summary>
    public int Users { get; set; }

    /// <summary>When it was used last, in uses; of the pool.</summary>
    public long LastUsed { get; set; }

    /// <summary>Who writes; null for a model of vectors.</summary>
    public LanguageEngine? Writer { get; }

    /// <summary>Who makes vectors; null for a model that writes.</summary>
    public EmbeddingModel? Embedding { get; }

    /// <summary>Calls for vectors take turns.</summary>
    public SemaphoreSlim Turn { get; }

    /// <summary>The model by a name that a request gave: with an adapter, where it is the name of one.</summary>
    public ServedEngine As(string? name) => name is not null && adapters.TryGetValue(name, out Adapter? adapter) ? new ServedEngine(this, name, adapter) : this;

    public void Dispose()
    {
        Writer?.Dispose();
        foreach (Adapter adapter in adapters.Values)
            adapter.Dispose();
        language?.Dispose();
        Embedding?.Dispose();
        Turn.Dispose();
    }
}
