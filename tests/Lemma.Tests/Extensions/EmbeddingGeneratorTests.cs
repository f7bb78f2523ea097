using Lemma.Extensions.AI;
using Lemma.Language;
using Lemma.Tests.Language;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Lemma.Tests.Extensions;

/// <summary>Vectors behind Microsoft's interface are those of the model.</summary>
public sealed class EmbeddingGeneratorTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task VectorsAreThoseOfTheModel()
    {
        string path = ChatModel.Write(folder, 64);
        string[] texts = ["ab", "b ab", "a"];
        using EmbeddingModel model = EmbeddingModel.Load(path);
        float[][] expected = model.Embed(texts);
        int[][] ids = model.Encode(texts);
        Assert.Equal(expected, model.EmbedIds(ids));
        ServiceCollection services = new();
        services.AddLemmaEmbeddingGenerator(path, options => options.ModelId = "tiny");
        services.AddKeyedLemmaEmbeddingGenerator("other", path);
        using ServiceProvider provider = services.BuildServiceProvider();
        var generator = provider.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>();
        Assert.NotNull(provider.GetKeyedService<IEmbeddingGenerator<string, Embedding<float>>>("other"));
        // Several callers take turns.
        GeneratedEmbeddings<Embedding<float>>[] all = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => generator.GenerateAsync(texts, null, Token)));
        foreach (GeneratedEmbeddings<Embedding<float>> made in all)
        {
            Assert.Equal(expected, made.Select(one => one.Vector.ToArray()));
            Assert.All(made, one => Assert.Equal("tiny", one.ModelId));
            Assert.Equal(ids.Sum(one => one.Length), made.Usage!.InputTokenCount);
        }
        Embedding<float> few = (await generator.GenerateAsync(texts, new EmbeddingGenerationOptions { Dimensions = 3 }, Token))[0];
        Assert.False(model.Normalizes);
        Assert.Equal(expected[0][..3], few.Vector.ToArray());
        EmbeddingGeneratorMetadata metadata = (EmbeddingGeneratorMetadata)generator.GetService(typeof(EmbeddingGeneratorMetadata))!;
        Assert.Equal(("lemma", "tiny", model.Width), (metadata.ProviderName, metadata.DefaultModelId, metadata.DefaultModelDimensions));
        Assert.NotNull(generator.GetService(typeof(EmbeddingModel)));
    }

    [Fact]
    public async Task WhatIsNotThereIsRefused()
    {
        using LemmaEmbeddingGenerator generator = LemmaEmbeddingGenerator.Load(ChatModel.Write(folder, 16), new LemmaClientOptions { ModelId = "tiny" });
        await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync(["a"], new() { Dimensions = 10_000 }, Token));
        await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync(["a"], new() { ModelId = "other" }, Token));
        await Assert.ThrowsAsync<NotSupportedException>(() => generator.GenerateAsync(["a"], new() { AdditionalProperties = new() { ["x"] = 1 } }, Token));
        await Assert.ThrowsAsync<NotSupportedException>(() => generator.GenerateAsync(["a"], new() { RawRepresentationFactory = _ => 1 }, Token));
        Assert.Contains("at most 16 tokens", (await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync([new string('a', 99)], null, Token))).Message);
    }
}
