using Lemma.Extensions.AI;
using Microsoft.Extensions.AI;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds local models to an app's services.</summary>
public static class LemmaServices
{
    /// <summary>Adds an <see cref="IChatClient"/>; the model is read when it is first asked for, and freed with the services.</summary>
    /// <param name="services">The app's services.</param>
    /// <param name="path">A model's folder, a GGUF file, or a checkpoint of llama2.c.</param>
    /// <param name="configure">Sets how it is loaded and served; null for the usual.</param>
    /// <returns>A builder for middleware around it.</returns>
    public static ChatClientBuilder AddLemmaChatClient(this IServiceCollection services, string path, Action<LemmaClientOptions>? configure = null) =>
        services.AddChatClient(_ => LemmaChatClient.Load(path, Configured(configure)));

    /// <summary>Adds an <see cref="IChatClient"/> under a key.</summary>
    /// <param name="services">The app's services.</param>
    /// <param name="key">The key.</param>
    /// <param name="path">A model's folder, a GGUF file, or a checkpoint of llama2.c.</param>
    /// <param name="configure">Sets how it is loaded and served; null for the usual.</param>
    /// <returns>A builder for middleware around it.</returns>
    public static ChatClientBuilder AddKeyedLemmaChatClient(this IServiceCollection services, object key, string path,
        Action<LemmaClientOptions>? configure = null) =>
        services.AddKeyedChatClient(key, _ => LemmaChatClient.Load(path, Configured(configure)));

    /// <summary>Adds an <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/> of texts; the model is read when it is first asked for.</summary>
    /// <param name="services">The app's services.</param>
    /// <param name="path">A folder of sentence-transformers, a model's folder, or a checkpoint of llama2.c.</param>
    /// <param name="configure">Sets threads and the name; null for the usual.</param>
    /// <returns>A builder for middleware around it.</returns>
    public static EmbeddingGeneratorBuilder<string, Embedding<float>> AddLemmaEmbeddingGenerator(this IServiceCollection services, string path,
        Action<LemmaClientOptions>? configure = null) =>
        services.AddEmbeddingGenerator(_ => LemmaEmbeddingGenerator.Load(path, Configured(configure)));

    /// <summary>Adds an <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/> of texts under a key.</summary>
    /// <param name="services">The app's services.</param>
    /// <param name="key">The key.</param>
    /// <param name="path">A folder of sentence-transformers, a model's folder, or a checkpoint of llama2.c.</param>
    /// <param name="configure">Sets threads and the name; null for the usual.</param>
    /// <returns>A builder for middleware around it.</returns>
    public static EmbeddingGeneratorBuilder<string, Embedding<float>> AddKeyedLemmaEmbeddingGenerator(this IServiceCollection services, object key, string path,
        Action<LemmaClientOptions>? configure = null) =>
        services.AddKeyedEmbeddingGenerator(key, _ => LemmaEmbeddingGenerator.Load(path, Configured(configure)));

    private static LemmaClientOptions Configured(Action<LemmaClientOptions>? configure)
    {
        LemmaClientOptions options = new();
        configure?.Invoke(options);
        return options;
    }
}
