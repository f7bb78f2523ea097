using System.CommandLine;
using Lemma.Cli.Parsing;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary>The options of rounds of a model's own answers, which grpo and ppo have.</summary>
internal sealed class RoundChoices
{
    private readonly Option<string?> reward = Choice.Text("--reward", string.Join('|', PolicyRewards.All.Keys), "What is rewarded: the known answer, "
        + "a text that contains it, an end");
    private readonly Option<int?> prompts, group, passes, epochs;
    private readonly Option<int?> longest = Choice.Whole("--answer-length", "The most tokens of an answer", fallback: 32);
    private readonly Option<int?> margin = Choice.Whole("--overlong-margin", "The last tokens of the longest answer, in which the reward falls by up to 1: "
        + "DAPO's soft punishment; 0 for none", least: 0, fallback: 0);
    private readonly Option<bool> mask = Choice.Flag("--leave-out-cut", "Answers that did not end by themselves do not count");

    public RoundChoices(PolicyRoundOptions defaults)
    {
        prompts = Choice.Whole("--prompts", "Prompts of a round", fallback: defaults.Prompts);
        group = Choice.Whole("--group", "Answers a prompt", fallback: defaults.Group);
        passes = Choice.Whole("--passes", "Passes that a round's answers are split into", fallback: defaults.PassesOfRound);
        epochs = Choice.Whole("--epochs", "How often a round's answers are read", fallback: defaults.Epochs);
        reward.DefaultValueFactory = _ => "right";
        reward.AcceptOnlyFromAmong([.. PolicyRewards.All.Keys]);
    }

    public Option[] All => [reward, prompts, group, longest, passes, epochs, margin, mask];

    public PolicyReward Reward(ParseResult parsed) => PolicyRewards.All[parsed.GetValue(reward)!];

    public int LongestAnswer(ParseResult parsed) => parsed.GetValue(longest)!.Value;

    /// <summary>The options of a recipe with these numbers in them.</summary>
    public T Read<T>(ParseResult parsed, ulong seed, T options) where T : PolicyRoundOptions
    {
        PolicyRoundOptions common = options;
        return (T)(common with
        {
            Prompts = parsed.GetValue(prompts)!.Value,
            Group = parsed.GetValue(group)!.Value,
            LongestAnswer = LongestAnswer(parsed),
            PassesOfRound = parsed.GetValue(passes)!.Value,
            Epochs = parsed.GetValue(epochs)!.Value,
            OverlongMargin = parsed.GetValue(margin)!.Value,
            LeavesOutCutAnswers = parsed.GetValue(mask),
            Seed = seed,
        });
    }
}
