using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Models;
using Lemma.Tests.Checkpoints;
using Lemma.Weights;

namespace Lemma.Tests.Decoding.Batching;

/// <summary>Requests with adapters of their own have the bits of the model with that adapter applied, whatever adapters the others have.</summary>
public sealed class BatcherAdapterTests : IDisposable
{
    private readonly Workers workers = new(2);

    public void Dispose() => workers.Dispose();

    public static TheoryData<string> Names => ["grouped_query", "latent", "linear", "wide:q8_0", "wide_window", "by_length"];

    [Theory, MemberData(nameof(Names))]
    public Task TextsHaveTheirAdaptersBits(string name)
    {
        using Decoder model = BatchModels.Model(name);
        return Mixed(model, [Made(model, ["all-linear"], 4, 3), Made(model, ["all-linear"], 2, 4, magnitudes: true), Made(model, [name is "grouped_query" or "by_length" || name.StartsWith("wide", StringComparison.Ordinal) ? "lm_head" : "all-linear"], 3, 5)]);
    }

    [Fact]
    public Task AdaptersOfEmbeddingsChangeTheirTextsAlone()
    {
        using Decoder model = ModelFolder.ReadDecoder(AdapterCases.Checkpoint("gpt2"));
        return Mixed(model, [AdapterFolder.Read(AdapterCases.Golden("adapters", "gpt2-embeddings"), model),
            AdapterFolder.Read(AdapterCases.Golden("adapters", "gpt2"), model)]);
    }

    [Fact]
    public void AnAdapterThatCannotBeOfOneTextIsRefused()
    {
        using Decoder model = BatchModels.Model("grouped_query"), other = BatchModels.Model("grouped_query"),
            experts = ModelFolder.ReadDecoder(AdapterCases.Checkpoint("mixtral"));
        using Adapter own = Made(model, ["all-linear"], 2, 1), foreign = Made(other, ["all-linear"], 2, 1),
            ofExperts = AdapterFolder.Read(AdapterCases.Golden("adapters", "mixtral"), experts);
        using Batcher batcher = new(model, workers, null, null, startsThread: false), second = new(experts, workers, null, null, startsThread: false);
        Assert.Contains("another model", Refused(batcher, foreign), StringComparison.Ordinal);
        Assert.Contains("of experts", Refused(second, ofExperts), StringComparison.Ordinal);
        own.Merge();
        Assert.Contains("merged", Refused(batcher, own), StringComparison.Ordinal);
        own.Unload();
        own.Apply();
        using Adapter further = Made(model, ["all-linear"], 2, 2);
        Assert.Contains("applied to all texts", Refused(batcher, further), StringComparison.Ordinal);
        Assert.Equal(0, batcher.Counts.Waiting);
    }

    private async Task Mixed(Decoder model, Adapter[] adapters)
    {
        const int requests = 16;
        Dictionary<int, string[]> expected = [];
        for (int i = 0; i < requests; i++)
        {
            AdapterOf(i)?.Apply();
            expected.Add(i, BatchModels.Alone(model, workers, PromptOf(i), BatchModels.Options(i / 4), CountOf(i)));
            AdapterOf(i)?.Unload();
        }
        // The same prompt and options without an adapter and with one are other texts.
        Assert.NotEqual(expected[0], expected[1]);
        long tight = Bytes(model);
        foreach (BatcherOptions options in (BatcherOptions[])[new(), new() { MostSequences = 6, PromptRows = 37, StateBytes = tight }])
        {
            using Batcher batcher = new(model, workers, options, null, startsThread: false);
            Dictionary<int, BatchRequest> asked = [];
            for (int i = 0, step = 0; i < requests || batcher.Step(); step++)
            {
                if (i < requests)
                    asked.Add(i, batcher.Submit(PromptOf(i), BatchModels.Options(i / 4), CountOf(i), i % 7 == 6 ? 1 : 0, AdapterOf(i++)));
                Assert.True(step < 5000, "it does not end");
            }
            foreach ((int i, BatchRequest request) in asked)
            {
                string[] texts = await BatchModels.Read(request);
                Assert.True(expected[i].SequenceEqual(texts), $"request {i}\n{string.Join('\n', expected[i])}\nhas other bits\n{string.Join('\n', texts)}");
            }
            batcher.Scheduler.DropPrefixes();
            batcher.Step();
            Assert.Equal(0, batcher.Counts.StateBytes);
        }
        foreach (Adapter adapter in adapters)
            adapter.Dispose();

        static int CountOf(int i) => i is 1 or 6 ? 2 : 1;

        // Neighbours share a prompt and differ in their adapter, so that states of one must not serve the other.
        static int[] PromptOf(int i) => BatchModels.Prompt(i / 4, 30 + i / 4 * 20);

        Adapter? AdapterOf(int i) => i % (adapters.Length + 1) is var place && place == 0 ? null : adapters[place - 1];
    }

    private static long Bytes(Decoder model)
    {
        using StateStore store = new(model, keeps: false);
        return Math.Max(store.BytesOf(model.MaximumLength), 2 * store.BytesOf(350));
    }

    // B is 0 in a fresh adapter, which would change nothing.
    internal static Adapter Made(Decoder model, string[] targets, int rank, ulong seed, bool magnitudes = false)
    {
        Adapter adapter = AdapterFolder.Create(model, new AdapterConfig { Rank = rank, Alpha = 2 * rank, Targets = targets, HasMagnitudes = magnitudes }, seed);
        foreach (Parameter parameter in adapter.Parameters.All)
        {
            if (!parameter.Name.EndsWith("lora_B.weight", StringComparison.Ordinal))
                continue;
            Span<float> b = adapter.Parameters.Weights(parameter);
            for (int i = 0; i < b.Length; i++)
                b[i] = MathF.Sin(i * 0.7f + seed);
        }
        return adapter;
    }

    private static string Refused(Batcher batcher, Adapter adapter) => Assert.Throws<ArgumentException>(
        () => batcher.Submit(BatchModels.Prompt(1, 5), GenerationOptions.Sample(), adapter: adapter)).Message;
}
