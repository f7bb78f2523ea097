using Lemma.Language;
using Microsoft.Extensions.AI;

namespace Lemma.Extensions.AI;

/// <summary>A local model as an <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>, with its own pooling and normalization.</summary>
/// <remarks>Any thread may ask; calls take turns.</remarks>
public sealed class LemmaEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly EmbeddingModel model;
    private readonly bool isOwned;
    private readonly EmbeddingGeneratorMetadata metadata;
    private readonly SemaphoreSlim turn = new(1);

    /// <summary>A generator of a model, which stays the caller's.</summary>
    /// <param name="model">The model.</param>
    /// <param name="modelId">Its name, which vectors carry.</param>
    public LemmaEmbeddingGenerator(EmbeddingModel model, string modelId) : this(model, modelId, isOwned: false)
    {
    }

    private LemmaEmbeddingGenerator(EmbeddingModel model, string modelId, bool isOwned)
    {
        ArgumentNullException.ThrowIfNull(model);
        (this.model, this.isOwned) = (model, isOwned);
        metadata = new EmbeddingGeneratorMetadata("lemma", defaultModelId: modelId, defaultModelDimensions: model.Width);
    }

    /// <summary>Reads a model for a generator of its own.</summary>
    /// <param name="path">A folder of sentence-transformers, a model's folder, or a checkpoint of llama2.c.</param>
    /// <param name="options">Threads and the name; null for the usual.</param>
    /// <exception cref="InvalidDataException">A file is broken.</exception>
    public static LemmaEmbeddingGenerator Load(string path, LemmaClientOptions? options = null)
    {
        options ??= new LemmaClientOptions();
        return new LemmaEmbeddingGenerator(EmbeddingModel.Load(path, options.Threads), options.NameOf(path), isOwned: true);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A text has no tokens or too many, or more dimensions are asked for than there are.</exception>
    /// <exception cref="NotSupportedException">The options ask for something that is not there.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        Check(options);
        string[] texts = [.. values];
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => Generate(texts, options?.Dimensions, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(EmbeddingGeneratorMetadata) ? metadata
            : serviceType == typeof(EmbeddingModel) ? model
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Frees the model, where the generator has loaded it.</summary>
    public void Dispose()
    {
        turn.Dispose();
        if (isOwned)
            model.Dispose();
    }

    private void Check(EmbeddingGenerationOptions? options)
    {
        if (options is null)
            return;
        if (options.ModelId is { } asked && asked != metadata.DefaultModelId)
            throw new ArgumentException($"embed: this generator's model is '{metadata.DefaultModelId}', but ModelId asks for '{asked}'");
        if (options.Dimensions is { } dimensions && (dimensions < 1 || dimensions > model.Width))
            throw new ArgumentException($"embed: Dimensions must be from 1 to {model.Width}, but they are {dimensions}");
        if (options.AdditionalProperties is { Count: > 0 } further)
            throw new NotSupportedException($"embed: AdditionalProperties: '{string.Join("', '", further.Keys)}' is not known");
        if (options.RawRepresentationFactory?.Invoke(this) is { } raw)
            throw new NotSupportedException($"embed: RawRepresentationFactory: there is nothing that {raw.GetType()} could say");
    }

    private GeneratedEmbeddings<Embedding<float>> Generate(string[] texts, int? dimensions, CancellationToken cancellation)
    {
        int[][] ids = model.Encode(texts);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        long tokens = ids.Sum(one => (long)one.Length);
        return new(model.EmbedIds(ids, dimensions, cancellation: cancellation).Select(vector => new Embedding<float>(vector)
        {
            ModelId = metadata.DefaultModelId,
            CreatedAt = now,
        }))
        {
            Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens },
        };
    }
}
