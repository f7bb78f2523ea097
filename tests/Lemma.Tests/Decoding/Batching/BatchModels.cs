using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Models;

namespace Lemma.Tests.Decoding.Batching;

/// <summary>Models and texts for the tests of batches; what a text is, a generator says that serves it alone.</summary>
internal static class BatchModels
{
    public const int Vocabulary = 61;

    /// <summary>A mixer, a format of the cache behind a colon, experts, or angles that depend on the length.</summary>
    public static Decoder Model(string name)
    {
        (string mixer, string? format) = name.Split(':') is [var a, var b] ? (a, b) : (name, null);
        DecoderConfig wide = Presets.Llama(Vocabulary, width: 64, layers: 2, heads: 2, hidden: 96, length: 512);
        Decoder model = mixer switch
        {
            "wide" => new Decoder(wide),
            "wide_window" => new Decoder(wide.WithBlocks(block => block with { Mixer = (AttentionConfig)block.Mixer with { Window = 40 } })),
            "experts" => new Decoder(wide.WithBlocks(block => block with
            {
                FeedForward = new ExpertsFeedForward(24, new ExpertRouting { Experts = 4, Chosen = 2 }),
            })),
            "by_length" => new Decoder(wide.WithBlocks(block => block with
            {
                Mixer = (AttentionConfig)block.Mixer with { Rotary = new RotaryConfig { Scaling = new DynamicNtkRopeScaling(2, 40) } },
            })),
            _ => MixerTests.Model(mixer),
        };
        model.Initialize(7);
        model.CacheFormat = format is null ? CacheFormat.Float32 : CacheFormat.Find(format);
        return model;
    }

    /// <summary>A prompt by its number: some share much of their beginning, some nothing.</summary>
    public static int[] Prompt(int number, int length) =>
        [.. Enumerable.Range(0, length).Select(i => i < length * (number % 3) / 3 ? i * i * 37 % Vocabulary : (i * 7 + number * 13 + i * number) % Vocabulary)];

    /// <summary>Options by number: greedy and drawn, with log-probabilities, guesses and ids that end a text.</summary>
    public static GenerationOptions Options(int number) => new()
    {
        Steps = number % 3 == 0 ? null : [new RepetitionPenalty(1.1), new TopK(40), new Temperature(0.9), .. number % 5 == 0 ? [new Mirostat2(4)] : (LogitStep[])[]],
        MaximumTokens = 6 + number * 5 % 23,
        Seed = (ulong)(100 + number),
        StopIds = number % 4 == 0 ? [17, 3, 40] : [],
        LogProbabilities = number % 4 == 1 ? 3 : null,
        Speculator = number % 6 is 2 or 3 ? new PromptLookup { Shortest = 1, Most = 4 } : null,
    };

    /// <summary>What a text is: ids, bits of log-probabilities, and why it ended.</summary>
    public static string[] Alone(Decoder model, Workers workers, int[] prompt, GenerationOptions options, int count = 1)
    {
        using Generator generator = new(model, workers);
        // Where angles depend on the length, guesses would be part of it.
        generator.Start(prompt, options, count);
        List<string>[] texts = [.. Enumerable.Range(0, count).Select(_ => new List<string>())];
        int[] next = new int[count];
        while (generator.TryNext(next))
        {
            for (int i = 0; i < count; i++)
            {
                if (next[i] >= 0)
                    texts[i].Add(One(next[i], options.LogProbabilities is null ? [] : [generator.Chosen(i), .. generator.Likeliest(i)]));
            }
        }
        for (int i = 0; i < count; i++)
            texts[i].Add($"{(generator.Ids(i).Length - prompt.Length < options.MaximumTokens && generator.Ids(i).Length <= model.MaximumLength ? TextEnd.Stop : TextEnd.Length)}");
        return [.. texts.Select(text => string.Join(' ', text))];
    }

    /// <summary>What came of a request.</summary>
    public static async Task<string[]> Read(BatchRequest request)
    {
        List<string>[] texts = [.. Enumerable.Range(0, request.Count).Select(_ => new List<string>())];
        await foreach (BatchEvent one in request.ReadAsync(TestContext.Current.CancellationToken))
        {
            texts[one.Sequence].Add(one.End is { } end ? $"{end}"
                : One(one.Id, request.Options.LogProbabilities is null ? [] : [one.Chosen, .. one.Likeliest]));
        }
        return [.. texts.Select(text => string.Join(' ', text))];
    }

    private static string One(int id, TokenLogProbability[] logs) =>
        $"{id}{string.Concat(logs.Select(log => $"/{log.Id}:{BitConverter.DoubleToInt64Bits(log.LogProbability):X}"))}";
}
