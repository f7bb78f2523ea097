using System.Globalization;
using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Tests.Decoding.Batching;

/// <summary>The log-probabilities of a prompt are those of the model's own pass over it, to the bit, whatever else runs and however memory is short.</summary>
public class BatcherPromptTests
{
    public static TheoryData<string> Names => ["grouped_query", "latent:bf16", "linear", "gated_delta", "wide:q8_0", "wide_window", "experts", "by_length"];

    [Theory, MemberData(nameof(Names))]
    public async Task APromptIsToldWithItsBitsAmongOthers(string name)
    {
        using Decoder model = BatchModels.Model(name);
        using Workers workers = new(2);
        using Adapter adapter = BatcherAdapterTests.Made(model, [name.StartsWith("wide", StringComparison.Ordinal) ? "lm_head" : "all-linear"], 2, 3);
        const int requests = 12;
        List<(string Prompt, string[] Texts)> expected = [];
        for (int i = 0; i < requests; i++)
        {
            AdapterOf(i)?.Apply();
            expected.Add((OwnOf(model, workers, PromptOf(i), OptionsOf(i).LogProbabilities!.Value), BatchModels.Alone(model, workers, PromptOf(i), OptionsOf(i), CountOf(i))));
            AdapterOf(i)?.Unload();
        }
        Assert.NotEqual(expected[1].Prompt, expected[2].Prompt);
        long tight = BatcherTests.BytesFor(model, 500);
        foreach (BatcherOptions options in (BatcherOptions[])[new(), new() { MostSequences = 6, PromptRows = 37, StateBytes = tight }])
        {
            using Batcher batcher = new(model, workers, options, null, startsThread: false);
            List<BatchRequest> asked = [];
            for (int i = 0, step = 0; i < requests || batcher.Step(); step++)
            {
                if (i < requests)
                {
                    // The same prompt without being told, so that its state could serve the other.
                    batcher.Submit(PromptOf(i), OptionsOf(i), adapter: AdapterOf(i));
                    asked.Add(batcher.Submit(PromptOf(i), OptionsOf(i), CountOf(i), i % 7 == 6 ? 1 : 0, AdapterOf(i), tellsPrompt: true));
                    i++;
                }
                Assert.True(step < 5000, "it does not end");
            }
            for (int i = 0; i < requests; i++)
            {
                (string prompt, string[] texts) = await Read(asked[i]);
                Assert.True(expected[i].Prompt == prompt, $"the prompt of request {i}\n{expected[i].Prompt}\nhas other bits\n{prompt}");
                Assert.Equal(expected[i].Texts, texts);
                Assert.Equal((PromptOf(i).Length, 0), (asked[i].Usage.Prompt, asked[i].Usage.Cached));
            }
            Assert.True(options.StateBytes is null || batcher.Counts.Preempted > 0, "nothing was dropped");
        }

        Adapter? AdapterOf(int i) => name != "experts" && i % 4 == 2 ? adapter : null;

        static int CountOf(int i) => i % 5 == 3 ? 3 : 1;

        static int[] PromptOf(int i) => BatchModels.Prompt(i / 2, i == 5 ? 1 : 12 + i / 2 * 29 % 150);

        static GenerationOptions OptionsOf(int i) => BatchModels.Options(i) with { LogProbabilities = i % 3, MaximumTokens = i % 4 * 5, Speculator = null };
    }

    [Fact]
    public void TheyAreLogarithmsOfASoftmaxAndThoseOfAGenerator()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        using Workers workers = new(1);
        using Batcher batcher = new(model, workers, null, null, startsThread: false);
        int[] prompt = BatchModels.Prompt(1, 40);
        BatchRequest request = batcher.Submit(prompt, new GenerationOptions { LogProbabilities = 2, MaximumTokens = 0 }, tellsPrompt: true);
        while (batcher.Step()) { }
        BatchEvent[] told = [.. request.ReadAsync(TestContext.Current.CancellationToken).ToBlockingEnumerable()];
        Assert.Equal(prompt[1..], told[..^1].Select(one => one.Id));
        Assert.Equal(TextEnd.Length, told[^1].End);
        using Generator generator = new(model, workers);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        for (int i = 1; i < prompt.Length; i++)
        {
            generator.Start(prompt.AsMemory(0, i), new GenerationOptions { LogProbabilities = BatchModels.Vocabulary, MaximumTokens = 1, StopIds = [] });
            Assert.True(generator.TryNext(out _));
            TokenLogProbability[] all = generator.Likeliest().ToArray();
            Assert.Equal(all.Single(one => one.Id == prompt[i]), told[i - 1].Chosen);
            Assert.Equal(all[..2], told[i - 1].Likeliest);
            float[] logits = tape[model.NextLogits(tape, new Rows(prompt.AsMemory(0, i), new int[] { i }))].ToArray();
            double largest = logits.Max(), total = logits.Sum(z => Math.Exp(z - largest));
            Assert.Equal(logits[prompt[i]] - largest - Math.Log(total), told[i - 1].Chosen.LogProbability, 1e-6);
            tape.Rewind();
        }
    }

    [Fact]
    public void AnIdThatEndsATextIsToldAtItsEnd()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        using Workers workers = new(1);
        using Batcher batcher = new(model, workers, null, null, startsThread: false);
        using Generator generator = new(model, workers);
        int[] prompt = BatchModels.Prompt(1, 40);
        GenerationOptions options = new() { LogProbabilities = 2, MaximumTokens = 3, StopIds = [] };
        generator.Start(prompt, options);
        Assert.True(generator.TryNext(out int first));
        BatchRequest stopped = batcher.Submit(prompt, options with { StopIds = [first] }), whole = batcher.Submit(prompt, options),
            silent = batcher.Submit(prompt, options with { StopIds = [first], LogProbabilities = null });
        while (batcher.Step()) { }
        BatchEvent end = Assert.Single(stopped.ReadAsync(TestContext.Current.CancellationToken).ToBlockingEnumerable());
        Assert.Equal((TextEnd.Stop, generator.Chosen()), (end.End, end.Ending!.Value));
        Assert.Equal(generator.Likeliest().ToArray(), end.Likeliest);
        Assert.All(whole.ReadAsync(TestContext.Current.CancellationToken).ToBlockingEnumerable(), one => Assert.Null(one.Ending));
        Assert.All(silent.ReadAsync(TestContext.Current.CancellationToken).ToBlockingEnumerable(), one => Assert.Null(one.Ending));
        Assert.Contains("ask for none", Assert.Throws<ArgumentException>(() => batcher.Submit(prompt, GenerationOptions.Greedy, tellsPrompt: true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LogitsOfAFewRowsAreInMemoryAtATime()
    {
        using Decoder model = BatchModels.Model("grouped_query");
        using Workers workers = new(1);
        const int rows = 400;
        long[] peaks = [.. ((bool[])[false, true]).Select(tells =>
        {
            using Batcher batcher = new(model, workers, new BatcherOptions { PromptRows = rows }, null, startsThread: false);
            batcher.Submit(BatchModels.Prompt(1, rows), new GenerationOptions { LogProbabilities = 0, MaximumTokens = 1 }, tellsPrompt: tells);
            while (batcher.Step()) { }
            return batcher.Scheduler.PeakElements;
        })];
        Assert.InRange(peaks[1] - peaks[0], 0, rows / 4 * BatchModels.Vocabulary);
    }

    // The model's own pass over a prompt alone, with a state for the cache's format.
    private static string OwnOf(Decoder model, Workers workers, int[] prompt, int likeliest)
    {
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        using SequenceState state = model.NewState();
        Span<float> logits = tape[model.Logits(tape, new Rows(prompt, new int[] { prompt.Length }, new SequenceState[] { state }))];
        Candidates candidates = new(model.VocabularySize);
        List<string> told = [];
        for (int i = 1; i < prompt.Length; i++)
        {
            candidates.Reset(logits.Slice((i - 1) * model.VocabularySize, model.VocabularySize));
            double certain = candidates.LargestLogit + candidates.LogTotal;
            double chosen = logits[(i - 1) * model.VocabularySize + prompt[i]] - certain;
            candidates.Sort(likeliest);
            told.Add(One(new(prompt[i], chosen), [.. Enumerable.Range(0, likeliest).Select(k => new TokenLogProbability(candidates.Ids[k], candidates.Logits[k] - certain))]));
        }
        return string.Join(' ', told);
    }

    private static async Task<(string Prompt, string[] Texts)> Read(BatchRequest request)
    {
        List<string> prompt = [];
        List<string>[] texts = [.. Enumerable.Range(0, request.Count).Select(_ => new List<string>())];
        await foreach (BatchEvent one in request.ReadAsync(TestContext.Current.CancellationToken))
        {
            if (one.IsPrompt)
            {
                Assert.Equal((0, one.Id), (one.Sequence, one.Chosen.Id));
                Assert.All(texts, Assert.Empty);
                prompt.Add(One(one.Chosen, one.Likeliest));
            }
            else
                texts[one.Sequence].Add(one.End is { } end ? $"{end}" : $"{one.Id}{string.Concat(((TokenLogProbability[])[one.Chosen, .. one.Likeliest]).Select(Bits))}");
        }
        return (string.Join(' ', prompt), [.. texts.Select(text => string.Join(' ', text))]);
    }

    private static string One(TokenLogProbability chosen, IReadOnlyList<TokenLogProbability> likeliest) => $"{chosen.Id}{Bits(chosen)}{string.Concat(likeliest.Select(Bits))}";

    private static string Bits(TokenLogProbability one) => string.Create(CultureInfo.InvariantCulture, $"/{one.Id}:{BitConverter.DoubleToInt64Bits(one.LogProbability):X}");
}
