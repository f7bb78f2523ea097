using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Training;

namespace Lemma.Tests.Training;

/// <summary>What holds for answers that a policy gives in training: the sampler and the trainer are one engine.</summary>
public class RolloutTests
{
    private static readonly ReadOnlyMemory<int>[] Prompts = [new[] { 1, 2, 3 }, new[] { 7 }, new[] { 5, 5, 9, 60, 2, 8, 33 }];

    private static Decoder Policy()
    {
        // Ids that end are likely, so that answers have many lengths.
        Decoder model = new(Presets.Llama(61, width: 32, layers: 2, heads: 2, hidden: 48, length: 40) with { EndId = 4, FurtherEndIds = [9, 17] });
        model.Initialize(3);
        return model;
    }

    [Theory, InlineData(1), InlineData(3)]
    public void TheRatioOfAFreshAnswerIsExactlyOne(int threads)
    {
        using Decoder policy = Policy();
        using Workers workers = new(threads);
        using RolloutMaker maker = new(policy, workers);
        Rollout[] rollouts = maker.Make(Prompts, group: 5, longest: 25, new Philox(3));
        using Tape tape = new(workers, policy.Parameters);
        ExampleRows rows = ExampleRows.Of([.. rollouts.Select(rollout => rollout.ToExample())]);
        float[] losses = [.. tape[policy.Losses(tape, rows.Rows, rows.Targets)].ToArray().Where((_, row) => rows.Targets.Span[row] != CrossEntropy.Ignore)];
        float[] logs = [.. rollouts.SelectMany(rollout => rollout.Logs)];
        Assert.Equal(logs.Length, losses.Length);
        Assert.All(logs.Zip(losses), pair => Assert.Equal(BitConverter.SingleToInt32Bits(pair.First), BitConverter.SingleToInt32Bits(-pair.Second)));
        Assert.Contains(rollouts, rollout => rollout.IsEnded && rollout.Length > 1);
        Assert.Contains(rollouts, rollout => !rollout.IsEnded && rollout.Length == 25);
        Assert.All(rollouts, rollout => Assert.Equal(rollout.IsEnded, policy.EndIds.Contains(rollout.Ids[^1])));
    }

    [Fact]
    public void AnswersDoNotDependOnWhatGoesTogether()
    {
        using Decoder policy = Policy();
        using Workers one = new(1), three = new(3);
        Rollout[] together = Make(three, 64), apart = Make(one, 1), pairs = Make(three, 10);
        Assert.Equal(Texts(together), Texts(apart));
        Assert.Equal(Texts(together), Texts(pairs));
        Assert.Equal(15, together.Select(rollout => string.Join(' ', rollout.Ids)).Distinct().Count());

        Rollout[] Make(Workers workers, int most)
        {
            using RolloutMaker maker = new(policy, workers, most);
            return maker.Make(Prompts, group: 5, longest: 60, new Philox(3));
        }

        static string[] Texts(Rollout[] rollouts) =>
            [.. rollouts.Select(one => $"{one.Prompt}: {string.Join(' ', one.Ids)}; {string.Join(' ', one.Logs.Select(BitConverter.SingleToInt32Bits))}; {one.IsEnded}")];
    }

    [Fact]
    public void TheLikeliestAnswersAreThoseOfTheGenerator()
    {
        using Decoder policy = Policy();
        using Workers workers = new(2);
        using RolloutMaker maker = new(policy, workers);
        using Generator generator = new(policy, workers);
        foreach (Rollout rollout in maker.Make(Prompts, group: 1, longest: 100, random: null))
        {
            IReadOnlyList<int> expected = generator.Generate(Prompts[rollout.Prompt], GenerationOptions.Greedy with { MaximumTokens = 100 });
            Assert.Equal(expected, rollout.Ids[rollout.PromptLength..(rollout.IsEnded ? ^1 : ^0)]);
        }
    }

    [Fact]
    public void PromptsWithoutRoomAreNamed()
    {
        using Decoder policy = Policy();
        using Workers workers = new(1);
        using RolloutMaker maker = new(policy, workers);
        Assert.Contains("prompt 1 must have 1 to 39 ids to leave room for an answer, but it has 40",
            Assert.Throws<ArgumentException>(() => maker.Make([Prompts[0], new int[40]], 2, 5, null)).Message, StringComparison.Ordinal);
        using CancellationTokenSource source = new();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => maker.Make(Prompts, 2, 5, null, source.Token));
    }
}
