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
        (Name, Path) = (model.Name, model.Path);
        if (model.IsEmbedding)
        {
            Embedding = EmbeddingModel.Load(model.Path, options.Threads);
            return;
        }
        language = LanguageModel.Load(model.Path, options.Threads, options.CacheFormat);
        try
        {
            Writer = new LanguageEngine(language, options.Batching);
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
    public long FileBytes => Directory.Exists(Path) ? new DirectoryInfo(Path).EnumerateFiles().Sum(file => file.Length) : new FileInfo(Path).Length;

    /// <summary>When it was read.</summary>
    public DateTimeOffset Created { get; } = DateTimeOffset.UtcNow;

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
