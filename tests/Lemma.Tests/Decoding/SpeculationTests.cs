using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Models;
using Lemma.Tests.Models;

namespace Lemma.Tests.Decoding;

/// <summary>Guesses change the time and nothing else: greedy and drawn texts, log-probabilities, what goes on behind them.</summary>
public class SpeculationTests
{
    private static readonly int[] Prompt = [5, 9, 2, 5, 9, 2, 5, 9];

    private static readonly GenerationOptions Drawn = new()
    {
        Steps = [new RepetitionPenalty(1.1), new TopK(40), new Xtc(0.1, 0.5), new Temperature(0.8), new Mirostat2(4)],
        MaximumTokens = 60,
        StopIds = [],
        Seed = 11,
    };

    public static TheoryData<string> Names => ["full", .. MixerTests.Names];

    // Knows the text, and is wrong now and then: every length of right guesses before a wrong one occurs.
    private sealed class Knowing(int[] text, int vocabulary) : Speculator
    {
        public int Calls { get; private set; }

        public override int Guess(ReadOnlySpan<int> ids, Span<int> guesses)
        {
            int count = Math.Min(guesses.Length, text.Length - ids.Length), wrong = Calls++ % 11;
            text.AsSpan(ids.Length, count).CopyTo(guesses);
            if (wrong < count)
                guesses[wrong] = (guesses[wrong] + 1) % vocabulary;
            return count;
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void TheTextIsTheSame(string name)
    {
        using Decoder model = name == "full" ? ModelFolder.ReadDecoder(Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", "llama")) : MixerTests.Model(name);
        using Workers workers = new(2);
        foreach (GenerationOptions options in (GenerationOptions[])[new() { MaximumTokens = 60, StopIds = [] }, Drawn with { LogProbabilities = 2 }])
        {
            (int[] Ids, double[] Logs) plain = Run(model, workers, options);
            Knowing knowing = new([.. Prompt, .. plain.Ids], model.VocabularySize);
            (int[] Ids, double[] Logs) guessed = Run(model, workers, options with { Speculator = knowing });
            Assert.Equal(plain.Ids, guessed.Ids);
            Assert.Equal(plain.Logs, guessed.Logs);
            Assert.InRange(knowing.Calls, 10, 30);
            Assert.True(knowing.Right > 30 && knowing.Guessed > knowing.Right, $"{knowing.Right} of {knowing.Guessed}");
            using DraftModel draft = new(model, workers);
            foreach (Speculator speculator in (Speculator[])[new PromptLookup { Shortest = 1 }, new IdPool(2, 64), draft])
            {
                (int[] ids, double[] logs) = Run(model, workers, options with { Speculator = speculator });
                Assert.Equal(plain.Ids, ids);
                Assert.Equal(plain.Logs, logs);
            }
            // The model itself guesses all of what it says without draws.
            Assert.True(options.Steps is not null || draft.Right == draft.Guessed);
        }
    }

    [Fact]
    public void WhatGoesOnBehindGuessesIsTheSame()
    {
        using Decoder model = MixerTests.Model("grouped_query");
        using Workers workers = new(2);
        Assert.Equal(Walk(null), Walk(new IdPool(1, 256)));
        Assert.Equal(Walk(null), Walk(new PromptLookup { Shortest = 1, Most = 3 }));

        int[] Walk(Speculator? speculator)
        {
            GenerationOptions options = Drawn with { MaximumTokens = 7, StopIds = [17, 3], Speculator = speculator };
            using Generator generator = new(model, workers);
            List<int> all = [];
            generator.Start(Prompt, options);
            for (int turn = 0; turn < 6; turn++)
            {
                for (int i = 0; i < (turn == 2 ? 3 : 100) && generator.TryNext(out int id); i++)
                    all.Add(id);
                all.AddRange(generator.Ids());
                if (turn == 2)
                    generator.End(0);
                if (turn == 3)
                    generator.Restart((int[])[.. generator.Ids()[..10], 4, 9], options);
                else
                    generator.Continue(new[] { 6, 9, 2 });
            }
            return [.. all];
        }
    }

    [Fact]
    public void GuessesAreWhatFollowedBefore()
    {
        int[] guesses = new int[4];
        Assert.Equal(4, new PromptLookup().Guess([1, 2, 3, 4, 5, 1, 2], guesses));
        Assert.Equal([3, 4, 5, 1], guesses);
        // The longest run wins over a later, shorter one.
        Assert.Equal(3, new PromptLookup().Guess([7, 1, 2, 9, 1, 2, 8, 7, 1, 2], guesses.AsSpan(0, 3)));
        Assert.Equal([9, 1, 2], guesses[..3]);
        Assert.Equal(0, new PromptLookup().Guess([1, 2, 3], guesses));
        IdPool pool = new(2, 1 << 10);
        Assert.Equal(0, pool.Guess([1, 2, 3, 4], guesses));
        Assert.Equal(2, pool.Guess([9, 1, 2], guesses.AsSpan(0, 2)));
        Assert.Equal([3, 4], guesses[..2]);
    }

    [Fact]
    public void WrongUseSaysWhatIsWrong()
    {
        using Decoder model = MixerTests.Model("grouped_query");
        using Workers workers = new(1);
        using Generator generator = new(model, workers);
        Assert.Contains("one text", Assert.Throws<ArgumentException>(() => generator.Start(Prompt, Drawn with { Speculator = new PromptLookup() }, 2)).Message);
        Assert.Contains("positive", Assert.Throws<ArgumentException>(() => new PromptLookup { Most = 0 }).Message);
        Assert.Contains("power of two", Assert.Throws<ArgumentException>(() => new IdPool(2, 100)).Message);
        Assert.Contains("not 0", Assert.Throws<ArgumentException>(() => new IdPool(0)).Message);
    }

    private static (int[] Ids, double[] Logs) Run(Decoder model, Workers workers, GenerationOptions options)
    {
        using Generator generator = new(model, workers);
        generator.Start(Prompt, options);
        List<int> ids = [];
        List<double> logs = [];
        while (generator.TryNext(out int id))
        {
            ids.Add(id);
            if (options.LogProbabilities is not null)
                logs.AddRange([generator.Chosen().LogProbability, .. generator.Likeliest().ToArray().Select(one => one.LogProbability)]);
        }
        return ([.. ids], [.. logs]);
    }
}
