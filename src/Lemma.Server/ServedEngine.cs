using Lemma.Language;
using Lemma.Language.Serving;

namespace Lemma.Server;

/// <summary>A model in memory, with what serves it.</summary>
internal sealed class ServedEngine : IDisposable
{
    private readonly LanguageModel? language;

    /// <summary>Reads a model.</summary>
    public ServedEngine(ServedModel model, LemmaServerOptions options)
    {
        (Name, Path, FileBytes) = (model.Name, model.Path, model.FileBytes);
        if (model.IsEmbedding)
        {
            Embedding = EmbeddingModel.Load(model.Path, options.Threads);
            return;
        }
        language = LanguageModel.Load(model.Path, options.Threads, options.CacheFormat);
        try
        {
            Writer = new LanguageEngine(language, options.Batching);
            (Family, Parameters) = (language.Model.Origin ?? "lemma", language.Model.Parameters.Count);
        }
        catch
        {
            language.Dispose();
            throw;
        }
    }

    public string Name { get; }

    public string Path { get; }

    /// <summary>Bytes of its file, or of the files in its folder.</summary>
    public long FileBytes { get; }

    /// <summary>Requests that use it; of the pool.</summary>
    public int Users { get; set; }

    /// <summary>When it was used last, in uses; of the pool.</summary>
    public long LastUsed { get; set; }

    /// <summary>Its family, as Ollama's API tells it.</summary>
    public string Family { get; } = "lemma";

    /// <summary>How many numbers it has learned; null where that is not known.</summary>
    public long? Parameters { get; }

    /// <summary>Who writes; null for a model of vectors.</summary>
    public LanguageEngine? Writer { get; }

    /// <summary>Who makes vectors; null for a model that writes.</summary>
    public EmbeddingModel? Embedding { get; }

    /// <summary>Calls for vectors take turns.</summary>
    public SemaphoreSlim Turn { get; } = new(1);

    public void Dispose()
    {
        Writer?.Dispose();
        language?.Dispose();
        Embedding?.Dispose();
        Turn.Dispose();
    }
}
