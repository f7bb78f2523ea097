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
        public override void Apply(Candidates candidates)
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
        new TopK(3).Apply(candidates);
        Assert.Equal([2, 0, 3], candidates.Ids);
        new Reverse().Apply(candidates);
        new TopK(2).Apply(candidates);
        Assert.Equal([3, 0], candidates.Ids);
        candidates.Reset([3, 1, 4, 2]);
        candidates.Sort();
        new Reverse().Apply(candidates);
        new TopP(0.5).Apply(candidates);
        Assert.Equal([1], candidates.Ids);
    }

    [Theory, InlineData(1e-38), InlineData(1e-300), InlineData(double.Epsilon)]
    public void ATemperatureNearZeroLeavesTheLikeliest(double temperature)
    {
        Candidates candidates = new(4);
        candidates.Reset([-30, 12, 11.999f, float.NegativeInfinity]);
        new Temperature(temperature).Apply(candidates);
        Assert.Equal([0, 1, 0, 0], candidates.Probabilities());
        candidates.Reset([-30, -12, -12.5f, -1e30f]);
        new Temperature(temperature).Apply(candidates);
        Assert.Equal([0, 1, 0, 0], candidates.Probabilities());
    }

    [Fact]
    public void TopPOfZeroLeavesTheLikeliest()
    {
        Candidates candidates = new(3);
        candidates.Reset([1, 3, 2]);
        new TopP(0).Apply(candidates);
        Assert.Equal([1], candidates.Ids);
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
