using Lemma.Extensions.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;

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

    /// <summary>Adds an <see cref="IChatClient"/> as a section of the app's configuration says.</summary>
    /// <param name="services">The app's services.</param>
    /// <param name="section"><c>Path</c>, and what <see cref="LemmaClientOptions"/> have, by their names; <c>Adapters</c> is a section of names and folders.</param>
    /// <returns>A builder for middleware around it.</returns>
    /// <exception cref="ArgumentException">The section has no path, a name that is not known, or a value that does not hold; the message has its key.</exception>
    public static ChatClientBuilder AddLemmaChatClient(this IServiceCollection services, IConfigurationSection section)
    {
        (string path, LemmaClientOptions options) = ConfiguredClient.Read(section);
        return services.AddChatClient(_ => LemmaChatClient.Load(path, options));
    }

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

    /// <summary>Adds an <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/> of texts as a section of the app's configuration says.</summary>
    /// <param name="services">The app's services.</param>
    /// <param name="section"><c>Path</c>, <c>Threads</c> and <c>ModelId</c>.</param>
    /// <returns>A builder for middleware around it.</returns>
    /// <exception cref="ArgumentException">The section has no path, a name that is not known, or a value that does not hold; the message has its key.</exception>
    public static EmbeddingGeneratorBuilder<string, Embedding<float>> AddLemmaEmbeddingGenerator(this IServiceCollection services, IConfigurationSection section)
    {
        (string path, LemmaClientOptions options) = ConfiguredClient.Read(section, [nameof(LemmaClientOptions.Threads), nameof(LemmaClientOptions.ModelId)]);
        return services.AddEmbeddingGenerator(_ => LemmaEmbeddingGenerator.Load(path, options));
    }

    /// <summary>Adds a check of the app's <see cref="IChatClient"/>: healthy while its engine serves, degraded where half of the queue waits.</summary>
    /// <param name="builder">The app's checks.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="key">The client's key; null for the one without.</param>
    /// <remarks>The first check reads the model, if nobody has asked for it before.</remarks>
    public static IHealthChecksBuilder AddLemma(this IHealthChecksBuilder builder, string name = "lemma", object? key = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(name, services => new EngineHealthCheck(key is null ? services.GetRequiredService<IChatClient>()
            : services.GetRequiredKeyedService<IChatClient>(key)), failureStatus: null, tags: null));
    }

    private static LemmaClientOptions Configured(Action<LemmaClientOptions>? configure)
    {
        LemmaClientOptions options = new();
        configure?.Invoke(options);
        return options;
    }
}
