using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Models;
using Lemma.Tests.Models;

namespace Lemma.Tests.Decoding.Batching;

/// <summary>The bits of a request are those of a generator that serves it alone, whatever else runs.</summary>
public class BatcherTests
{
    public static TheoryData<string> Names => [.. MixerTests.Mixers.Keys, "grouped_query:f16", "latent:bf16", "wide:q8_0", "wide:q4_0",
        "wide_window:q8_0", "experts", "by_length"];

    [Theory, MemberData(nameof(Names))]
    public async Task ARequestHasItsBitsAmongOthers(string name)
    {
        using Decoder model = BatchModels.Model(name);
        using Workers workers = new(2);
        const int requests = 18;
        Dictionary<int, string[]> expected = [];
        for (int i = 0; i < requests; i++)
            expected.Add(i, BatchModels.Alone(model, workers, PromptOf(i), BatchModels.Options(i), CountOf(i)));
        foreach (BatcherOptions options in (BatcherOptions[])[new(), new() { MostSequences = 6, PromptRows = 37, StateBytes = BytesFor(model, 700) }])
        {
            using Batcher batcher = new(model, workers, options, null, startsThread: false);
            Dictionary<int, BatchRequest> asked = [];
            List<BatchRequest> left = [];
            // They come between passes, some leave again, and some come twice.
            for (int i = 0, step = 0; i < requests || batcher.Step(); step++)
            {
                if (i < requests && step % 2 == 0)
                {
                    asked.Add(i, batcher.Submit(PromptOf(i), BatchModels.Options(i), CountOf(i), priority: i % 7 == 6 ? 1 : 0));
                    if (i % 4 == 3)
                        left.Add(batcher.Submit(PromptOf(i), BatchModels.Options(i)));
                    i++;
                }
                if (i < requests)
                    batcher.Step();
                if (step % 5 == 4 && left.Count > 0)
                {
                    left[0].Cancel();
                    left.RemoveAt(0);
                }
                Assert.True(step < 5000, "it does not end");
            }
            foreach ((int i, BatchRequest request) in asked)
            {
                string[] texts = await BatchModels.Read(request);
                Assert.True(expected[i].SequenceEqual(texts), $"request {i}\n{string.Join('\n', expected[i])}\nhas other bits\n{string.Join('\n', texts)}");
                Assert.Equal((PromptOf(i).Length, texts.Sum(text => text.Split(' ').Length - 1)), (request.Usage.Prompt, request.Usage.Made));
            }
            BatcherCounts counts = batcher.Counts;
            Assert.Equal((0, 0, 0), (counts.Running, counts.Waiting, counts.Sequences));
            Assert.Equal(requests + 4, counts.Ended);
            Assert.True(name is "linear" or "short_convolution" or "gated_delta" or "by_length" || counts.Cached > 0, "nothing was shared");
            Assert.True(name == "by_length" || counts.Guessed > counts.Right && counts.Right > 0, $"{counts.Right} guesses of {counts.Guessed} were right");
            // Tight memory drops states, of linear attention's sums as well, and keeps within its bytes.
            Assert.True(options.StateBytes is null || counts.Preempted > 0, "nothing was dropped");
            Assert.True(counts.StateBytes <= (options.StateBytes ?? long.MaxValue));
            batcher.Scheduler.DropPrefixes();
            batcher.Step();
            Assert.Equal(0, batcher.Counts.StateBytes);
        }

        static int CountOf(int i) => i % 9 == 4 ? 3 : 1;

        static int[] PromptOf(int i) => BatchModels.Prompt(i, i == 5 ? 1 : 20 + i * 29 % 211);
    }

    [Fact]
    public async Task SixtyFourThreadsGetTheirTexts()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        using Workers workers = new(2);
        string[][] expected = [.. Enumerable.Range(0, 65).Select(i => BatchModels.Alone(model, workers, PromptOf(i), BatchModels.Options(i)))];
        using Batcher batcher = new(model, workers, new BatcherOptions { PromptRows = 64 });
        string[][] texts = await Task.WhenAll(Enumerable.Range(0, 65).Select(i => Task.Run(() =>
            BatchModels.Read(batcher.Submit(PromptOf(i), BatchModels.Options(i))), TestContext.Current.CancellationToken)));
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], texts[i]);

        static int[] PromptOf(int i) => BatchModels.Prompt(i, 10 + i * 17 % 120);
    }

    [Fact]
    public void APromptIsReadOnceForAllOfItsTexts()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        using Workers workers = new(1);
        using Batcher batcher = new(model, workers, null, null, startsThread: false);
        int[] prompt = BatchModels.Prompt(1, 200);
        BatchRequest request = batcher.Submit(prompt, new GenerationOptions { Steps = [], MaximumTokens = 5, StopIds = [] }, 4);
        Finish(batcher);
        // The last id of each is not read.
        Assert.Equal(200 + 4 * 4, batcher.Counts.Read);
        Assert.Equal(new BatchUsage(200, 0, 20, 0, 0), request.Usage);
    }

    [Fact]
    public void WhatBeginsAlikeIsReadOnce()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        using Workers workers = new(1);
        using Batcher batcher = new(model, workers, new BatcherOptions { PromptRows = 50 }, null, startsThread: false);
        int[] system = BatchModels.Prompt(1, 180);
        GenerationOptions two = new() { MaximumTokens = 2, StopIds = [] };
        // They come together: one reads for all.
        BatchRequest[] together = [.. Enumerable.Range(0, 5).Select(i => batcher.Submit((int[])[.. system, i, 50 - i, i], two))];
        Finish(batcher);
        // Each reads what is its own: three ids of the prompt, one that was made.
        Assert.Equal(183 + 4 * 3 + 5, batcher.Counts.Read);
        Assert.Equal([0, 180, 180, 180, 180], together.Select(request => request.Usage.Cached));
        // Later ones take it from those that ended; of the same prompt the last id is read for its logits.
        BatchRequest later = batcher.Submit((int[])[.. system, 3, 47, 3], two), other = batcher.Submit(system.AsMemory(0, 100), two);
        Finish(batcher);
        Assert.Equal((182, 99), (later.Usage.Cached, other.Usage.Cached));
        Assert.Equal(183 + 4 * 3 + 5 + 2 + 2, batcher.Counts.Read);
        // A conversation goes on: the answer's ids are known as well, but for the last, which was not read.
        int[] answer = [.. new Generator(model, workers).Generate((int[])[.. system, 3, 47, 3], two)];
        BatchRequest turn = batcher.Submit((int[])[.. system, 3, 47, 3, .. answer, 9, 9], two);
        Finish(batcher);
        Assert.Equal(184, turn.Usage.Cached);
    }

    [Fact]
    public void ALongPromptDoesNotHoldUpTheOthers()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        using Workers workers = new(1);
        using Batcher batcher = new(model, workers, new BatcherOptions { PromptRows = 20, KeepsPrefixes = false }, null, startsThread: false);
        GenerationOptions many = new() { MaximumTokens = 60, StopIds = [] };
        BatchRequest running = batcher.Submit(BatchModels.Prompt(0, 5), many);
        batcher.Step();
        BatchRequest longest = batcher.Submit(BatchModels.Prompt(1, 400), many), brief = batcher.Submit(BatchModels.Prompt(4, 10), many);
        int before = running.Usage.Made;
        for (int i = 0; i < 3; i++)
            batcher.Step();
        // A row a pass for the text that runs, and the short prompt had its turn behind the first piece of the long one.
        Assert.Equal(before + 3, running.Usage.Made);
        Assert.True(brief.Usage.Made > 0, "the short prompt waits");
        Assert.Equal(0, longest.Usage.Made);
        // However many short ones come, the long one goes on, every other turn.
        for (int i = 0; i < 50; i++)
        {
            batcher.Submit(BatchModels.Prompt(i, 20), many with { MaximumTokens = 1 });
            batcher.Step();
        }
        Assert.True(longest.Usage.Made > 0, "the long prompt starves");
    }

    [Fact]
    public async Task HigherPrioritiesGoFirst()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        using Workers workers = new(1);
        using Batcher batcher = new(model, workers, new BatcherOptions { MostSequences = 2 }, null, startsThread: false);
        GenerationOptions many = new() { MaximumTokens = 30, StopIds = [] };
        BatchRequest[] low = [.. Enumerable.Range(0, 4).Select(i => batcher.Submit(BatchModels.Prompt(i, 30), many))];
        batcher.Step();
        Assert.Equal([1, 1, 0, 0], low.Select(request => request.Usage.Made));
        BatchRequest high = batcher.Submit(BatchModels.Prompt(7, 30), many, priority: 3);
        batcher.Step();
        batcher.Step();
        // It takes the place of the one that came last of those that ran.
        Assert.Equal([3, 1, 0, 0], low.Select(request => request.Usage.Made));
        Assert.Equal(2, high.Usage.Made);
        Finish(batcher);
        for (int i = 0; i < 4; i++)
            Assert.Equal(BatchModels.Alone(model, workers, BatchModels.Prompt(i, 30), many), await BatchModels.Read(low[i]));
    }

    private static void Finish(Batcher batcher)
    {
        for (int i = 0; batcher.Step(); i++)
            Assert.True(i < 5000, "it does not end");
    }

    internal static long BytesFor(Decoder model, int tokens) =>
        Math.Max(Lemma.Planning.CachePlan.Of(model.Config).AllocatedBytes(512, model.CacheFormat),
            2 * Lemma.Planning.CachePlan.Of(model.Config).AllocatedBytes(tokens / 2, model.CacheFormat));
}
