using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Tests.Decoding;

/// <summary>Steps at their extremes and in any order.</summary>
public class LogitStepTests
{
    private sealed record Reverse : LogitStep
    {
        public override void Apply(Candidates candidates, in DrawContext context)
        {
            foreach (ref float logit in candidates.ChangeLogits())
                logit = -logit;
        }
    }

    [Fact]
    public void AStepThatChangesLogitsIsFollowedByANewOrder()
    {
        Candidates candidates = new(4);
        candidates.Reset([3, 1, 4, 2]);
        new TopK(3).Apply(candidates, default);
        Assert.Equal([2, 0, 3], candidates.Ids);
        new Reverse().Apply(candidates, default);
        new TopK(2).Apply(candidates, default);
        Assert.Equal([3, 0], candidates.Ids);
        candidates.Reset([3, 1, 4, 2]);
        candidates.Sort();
        new Reverse().Apply(candidates, default);
        new TopP(0.5).Apply(candidates, default);
        Assert.Equal([1], candidates.Ids);
    }

    [Theory, InlineData(1e-38), InlineData(1e-300), InlineData(double.Epsilon)]
    public void ATemperatureNearZeroLeavesTheLikeliest(double temperature)
    {
        Candidates candidates = new(4);
        candidates.Reset([-30, 12, 11.999f, float.NegativeInfinity]);
        new Temperature(temperature).Apply(candidates, default);
        Assert.Equal([0, 1, 0, 0], candidates.Probabilities());
        candidates.Reset([-30, -12, -12.5f, -1e30f]);
        new Temperature(temperature).Apply(candidates, default);
        Assert.Equal([0, 1, 0, 0], candidates.Probabilities());
    }

    [Fact]
    public void TopPOfZeroLeavesTheLikeliest()
    {
        Candidates candidates = new(3);
        candidates.Reset([1, 3, 2]);
        new TopP(0).Apply(candidates, default);
        Assert.Equal([1], candidates.Ids);
    }

    [Fact]
    public void TheSheetsExampleIsRight()
    {
        // docs/corrections.md: top-k 3 and top-p 0.8 leave 0.664 and 0.199, which are 0.848 and 0.152 at T = 0.7.
        Candidates candidates = new(5);
        candidates.Reset([MathF.Log(0.02f), MathF.Log(0.664f), MathF.Log(0.105f), MathF.Log(0.199f), MathF.Log(0.012f)]);
        foreach (LogitStep step in GenerationOptions.Sample(0.7, topK: 3, topP: 0.8).Steps!)
            step.Apply(candidates, default);
        Assert.Equal([1, 3], candidates.Ids);
        Assert.Equal(0.848, candidates.Probabilities()[0], 5e-4);
        Assert.Equal(0.152, candidates.Probabilities()[1], 5e-4);
    }

    public static TheoryData<LogitStep> Any => [new Temperature(0.5), new Temperature(1e-40), new TopK(2), new TopK(9), new TopP(0), new TopP(0.5), new TopP(1),
        new MinP(0), new MinP(0.1), new MinP(1), new Typical(0.5), new Typical(1), new TopNSigma(0), new TopNSigma(2), new RepetitionPenalty(1.2),
        new PresencePenalty(1), new FrequencyPenalty(1), new NoRepeatNgrams(1), new Dry(1), new Xtc(0.1), new Mirostat2(),
        new LogitBias([new(1, 2)]), new BannedIds([3])];

    [Theory, MemberData(nameof(Any))]
    public void WhatIsNoNumberIsAnError(LogitStep step)
    {
        float none = float.NegativeInfinity;
        (float[] Logits, string Message)[] cases =
        [
            ([0, 1, float.NaN, 2, 3], "a logit must be a number or −∞, but that of id 2 is NaN"),
            ([0, float.PositiveInfinity, 1, 2, 3], "a logit must be a number or −∞, but that of id 1 is ∞"),
            ([none, none, none, none, none], "all 5 logits are −∞"),
        ];
        foreach ((float[] logits, string message) in cases)
        {
            Candidates candidates = new(5);
            candidates.Reset(logits);
            double[] memory = new double[step.MemorySize()];
            step.Begin(memory);
            Assert.Contains(message, Assert.Throws<ArithmeticException>(() =>
            {
                step.Apply(candidates, new DrawContext([0, 4], 1, memory: memory));
                candidates.Draw(new Lemma.Formulas.Philox(1), 0);
            }).Message, StringComparison.Ordinal);
        }
    }

    [Theory, MemberData(nameof(Any))]
    public void OneIdIsAlwaysLeftAndIdsWithoutProbabilityAreNeverDrawn(LogitStep step)
    {
        Candidates candidates = new(5);
        for (ulong draw = 0; draw < 200; draw++)
        {
            candidates.Reset([float.NegativeInfinity, 1, 1, float.NegativeInfinity, 1]);
            double[] memory = new double[step.MemorySize()];
            step.Begin(memory);
            step.Apply(candidates, new DrawContext([3], 1, memory: memory));
            Assert.InRange(candidates.Count, 1, 5);
            Assert.Contains(candidates.Draw(new Lemma.Formulas.Philox(9), draw), (int[])[1, 2, 4]);
        }
    }

    [Fact]
    public void EqualLogitsAreKeptByTheLowestIds()
    {
        (LogitStep Step, int[] Kept)[] cases =
        [
            (new TopK(2), [0, 1]),
            (new TopK(100), [0, 1, 2, 3]),
            (new TopP(0), [0]),
            (new TopP(0.5), [0, 1]),
            (new TopP(1), [0, 1, 2, 3]),
            (new MinP(1), [0, 1, 2, 3]),
            (new TopNSigma(1), [0, 1, 2, 3]),
            (new Xtc(0.25), [3]),
        ];
        foreach ((LogitStep step, int[] kept) in cases)
        {
            Candidates candidates = new(4);
            candidates.Reset([2, 2, 2, 2]);
            step.Apply(candidates, default);
            Assert.Equal(kept, candidates.Ids.ToArray());
        }
    }

    [Fact]
    public void BiasAndBansNameIdsOfTheVocabulary()
    {
        Candidates candidates = new(4);
        candidates.Reset([1, 2, 3, 4]);
        Assert.Contains("logit_bias: id 4 is not among the 4",
            Assert.Throws<ArgumentException>(() => new LogitBias([new(4, 1)]).Apply(candidates, default)).Message, StringComparison.Ordinal);
        Assert.Contains("banned_ids: id 9 is not among the 4",
            Assert.Throws<ArgumentException>(() => new BannedIds([9]).Apply(candidates, default)).Message, StringComparison.Ordinal);
        // Ids of a prompt may lie beyond what is drawn: they count nowhere.
        new FrequencyPenalty(1).Apply(candidates, new DrawContext([7, 1, 1], 0));
        Assert.Equal([1, 0, 3, 4], candidates.Logits.ToArray());
        // An id that a step forgot stays forgotten.
        new TopK(1).Apply(candidates, default);
        new LogitBias([new(0, 100)]).Apply(candidates, default);
        Assert.Equal([3], candidates.Ids.ToArray());
    }

    [Fact]
    public void StepsRefuseValuesOutsideTheirRules()
    {
        (Func<LogitStep> Make, string Message)[] cases =
        [
            (() => new Temperature(0), "temperature: it must be positive, but it is 0"),
            (() => new Temperature(double.NaN), "but it is NaN"),
            (() => new TopK(0), "top_k: k must be positive, but it is 0"),
            (() => new TopP(1.1), "top_p: p must be in [0, 1], but it is 1.1"),
            (() => new MinP(-1), "min_p: it must be in [0, 1], but it is -1"),
            (() => new Typical(0), "typical: the mass must be in (0, 1], but it is 0"),
            (() => new TopNSigma(-1), "top_n_sigma: n must be at least 0, but it is -1"),
            (() => new RepetitionPenalty(0), "repetition_penalty: it must be positive, but it is 0"),
            (() => new RepetitionPenalty(1, 0), "the ids that count must be positive, but they are 0"),
            (() => new PresencePenalty(double.NaN), "presence_penalty: it must be a number, but it is NaN"),
            (() => new FrequencyPenalty(double.PositiveInfinity), "frequency_penalty: it must be a number, but it is Infinity"),
            (() => new NoRepeatNgrams(0), "no_repeat_ngrams: the length must be positive, but it is 0"),
            (() => new Dry(0), "dry: the multiplier must be positive, but it is 0"),
            (() => new Dry(1, 0.5), "the base must be at least 1, but it is 0.5"),
            (() => new Dry(1, 2, 0), "the allowed length must be positive, but it is 0"),
            (() => new Xtc(0.6), "xtc: the threshold must be in (0, 0.5], but it is 0.6"),
            (() => new Xtc(0.1, 2), "xtc: the probability must be in [0, 1], but it is 2"),
            (() => new Mirostat2(0), "mirostat: the target must be positive"),
            (() => new Mirostat2(1, 0), "mirostat: the rate must be positive"),
            (() => new LogitBias([new(-1, 0)]), "an id must not be negative, but one is -1"),
            (() => new LogitBias([new(1, 0), new(1, 2)]), "an id has one bias, but id 1 has 0 and 2"),
            (() => new LogitBias([new(1, double.NaN)]), "but that of id 1 is NaN"),
            (() => new BannedIds([-3]), "an id must not be negative, but one is -3"),
        ];
        foreach ((Func<LogitStep> make, string message) in cases)
            Assert.Contains(message, Assert.Throws<ArgumentException>(make).Message, StringComparison.Ordinal);
        Assert.Equal(new LogitBias([new(1, 2), new(0, 3)]), new LogitBias([new(0, 3), new(1, 2)]));
        Assert.NotEqual(new Dry(1, breakers: [1]), new Dry(1, breakers: [2]));
    }

    [Fact]
    public void ChancesOfAStepAreThoseOfTheSeedAndFollowItsProbability()
    {
        int acted = 0;
        Candidates candidates = new(3);
        for (int draw = 0; draw < 4000; draw++)
        {
            candidates.Reset([1, 1, 1]);
            new Xtc(0.2, 0.3).Apply(candidates, new DrawContext([], 0, draw, new Lemma.Formulas.Philox(5).Split(1)));
            acted += candidates.Count == 1 ? 1 : 0;
        }
        Assert.Equal(0.3, acted / 4000.0, 0.03);
    }

    [Fact]
    public void TokensWithoutALimitEndAtTheLongestSequence()
    {
        using Decoder model = new(Presets.Llama(19, width: 16, layers: 1, heads: 2, hidden: 16, length: 24));
        model.Initialize(1);
        using Workers workers = new(1);
        using Generator generator = new(model, workers);
        // The last id is never read, so it may stand beyond the longest sequence.
        Assert.Equal(21, generator.Generate(new[] { 1, 2, 3, 4 }, GenerationOptions.Greedy with { MaximumTokens = int.MaxValue }).Count);
    }

    [Fact]
    public void WithoutStopIdsTheModelsOwnEndAText()
    {
        using Decoder endless = new(Presets.Llama(19, width: 16, layers: 1, heads: 2, hidden: 16, length: 24));
        endless.Initialize(1);
        using Workers workers = new(1);
        using Generator generator = new(endless, workers);
        IReadOnlyList<int> all = generator.Generate(new[] { 1 }, GenerationOptions.Sample(2) with { MaximumTokens = 20 });
        int end = all[7];
        using Decoder ending = Copy(endless, endless.Config with { EndId = 18, FurtherEndIds = [end] });
        using Generator other = new(ending, workers);
        int first = all.ToList().FindIndex(id => id == end || id == 18);
        Assert.Equal(all.Take(first), other.Generate(new[] { 1 }, GenerationOptions.Sample(2) with { MaximumTokens = 20 }));
        Assert.Equal(all, other.Generate(new[] { 1 }, GenerationOptions.Sample(2) with { MaximumTokens = 20, StopIds = [] }));
    }

    private static Decoder Copy(Decoder model, DecoderConfig config)
    {
        Decoder copy = new(config);
        foreach (Parameter parameter in model.Parameters.All)
            model.Parameters.Weights(parameter).CopyTo(copy.Parameters.Weights(copy.Parameters[parameter.Name]));
        return copy;
    }
}
