using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Text;

namespace Lemma.Tests.Decoding;

public class GeneratorTests
{
    [Fact]
    public void ATrainedModelTellsTheRecordedStory()
    {
        string folder = SharedData.FindOrSkip("data/weights/stories260K");
        JsonElement golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "golden-greedy.json"))).RootElement;
        Tokenizer tokenizer = Tokenizer.Load(Path.Combine(folder, "derived-hf", "tokenizer.json"));
        using Decoder model = ModelFolder.ReadDecoder(Path.Combine(folder, "derived-hf"));
        using Workers workers = new(2);
        using Generator generator = new(model, workers);
        IReadOnlyList<int> made = generator.Generate(new[] { 1 }, GenerationOptions.Greedy with { MaximumTokens = 200, StopIds = [1] });

        int[] ids = [.. golden.GetProperty("token_ids").EnumerateArray().Select(id => id.GetInt32())];
        Assert.Equal(ids.Skip(1), made.Take(ids.Length - 1));
        Assert.Equal(golden.GetProperty("expected_stdout_200_steps").GetString()!.Trim(), tokenizer.Decode([.. made]).Trim());
    }

    [Fact]
    public void ATokenAllocatesNothing()
    {
        using Decoder model = Small();
        using Workers workers = new(2);
        using Generator generator = new(model, workers);
        generator.Start(new[] { 1, 2, 3 }, GenerationOptions.Sample(0.8, topK: 20, topP: 0.9) with { MaximumTokens = 100 });
        for (int i = 0; i < 20; i++)
            Assert.True(generator.TryNext(out _));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 40; i++)
            generator.TryNext(out _);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void OneSeedGivesOneTextForAnyNumberOfThreads()
    {
        using Decoder model = Small();
        IReadOnlyList<int> Text(int threads, ulong seed)
        {
            using Workers workers = new(threads);
            using Generator generator = new(model, workers);
            return generator.Generate(new[] { 5 }, GenerationOptions.Sample(1.5) with { MaximumTokens = 50, Seed = seed });
        }
        Assert.Equal(Text(1, 7), Text(3, 7));
        Assert.NotEqual(Text(1, 7), Text(1, 8));
    }

    [Fact]
    public void GenerationEndsAtTheLongestSequence()
    {
        using Decoder model = Small();
        using Workers workers = new(1);
        using Generator generator = new(model, workers);
        // 128 tokens fit, and the last one read makes one more.
        Assert.Equal(128 - 100 + 1, generator.Generate(new int[100], GenerationOptions.Greedy with { MaximumTokens = 1000 }).Count);
        Assert.Contains("longer than the longest sequence, 128; keep its last 128 ids",
            Assert.Throws<ArgumentException>(() => generator.Start(new int[129], GenerationOptions.Greedy)).Message, StringComparison.Ordinal);
        Assert.Contains("id 99 is not in the vocabulary of 96",
            Assert.Throws<ArgumentException>(() => generator.Start(new[] { 99 }, GenerationOptions.Greedy)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void IdsThatTheTokenizerDoesNotHaveAreNeverDrawn()
    {
        using Decoder model = Small();
        using Workers workers = new(1);
        GenerationOptions options = GenerationOptions.Sample(2) with { MaximumTokens = 100, StopIds = [] };
        using Generator all = new(model, workers), some = new(model, workers, ids: 20);
        Assert.Contains(all.Generate(new[] { 5 }, options), id => id >= 20);
        Assert.All(some.Generate(new[] { 95 }, options), id => Assert.InRange(id, 0, 19));
        Assert.All(some.Generate(new[] { 95 }, GenerationOptions.Greedy with { StopIds = [] }), id => Assert.InRange(id, 0, 19));
        foreach (int ids in (int[])[0, 97])
            Assert.Contains($"must be from 1 to 96, but they are {ids}", Assert.Throws<ArgumentException>(() => new Generator(model, workers, ids)).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public void TopKKeepsTheLargestAndBreaksTiesById()
    {
        Candidates candidates = new(5);
        candidates.Reset([1f, 3f, -2f, 3f, 3f]);
        new TopK(2).Apply(candidates, default);
        Assert.Equal([1, 3], candidates.Ids);
        Assert.Equal([3f, 3f], candidates.Logits);
    }

    [Fact]
    public void TopPKeepsTheFewestThatReachTheShare()
    {
        Candidates candidates = new(4);
        candidates.Reset([MathF.Log(0.1f), MathF.Log(0.5f), MathF.Log(0.15f), MathF.Log(0.25f)]);
        new TopP(0.74).Apply(candidates, default);
        Assert.Equal([1, 3], candidates.Ids);
        candidates.Reset([MathF.Log(0.1f), MathF.Log(0.5f), MathF.Log(0.15f), MathF.Log(0.25f)]);
        new TopP(0.01).Apply(candidates, default);
        Assert.Equal([1], candidates.Ids);
    }

    [Fact]
    public void DrawsFollowTheProbabilities()
    {
        Candidates candidates = new(3);
        candidates.Reset([MathF.Log(0.2f), MathF.Log(0.5f), MathF.Log(0.3f)]);
        int[] counts = new int[3];
        for (ulong i = 0; i < 20000; i++)
            counts[candidates.Draw(new Lemma.Formulas.Philox(3), i)]++;
        Assert.Equal(0.2, counts[0] / 20000.0, 0.01);
        Assert.Equal(0.5, counts[1] / 20000.0, 0.01);
    }

    private static Decoder Small() => ModelFolder.ReadDecoder(Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", "llama"));
}
