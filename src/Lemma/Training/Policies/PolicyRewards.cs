using Lemma.Data;

namespace Lemma.Training;

/// <summary>Rewards that can be checked, by name.</summary>
public static class PolicyRewards
{
    /// <summary>Every reward: right (the final answer is the known one), contains (the known answer stands in the text), ended (it ended by itself).</summary>
    public static IReadOnlyDictionary<string, PolicyReward> All { get; } = new Dictionary<string, PolicyReward>
    {
        ["right"] = (prompt, answer) => answer.IsEnded && AnswerCheck.IsRight(answer.Text, Known(prompt)) ? 1 : 0,
        ["contains"] = (prompt, answer) => answer.Text.Contains(Known(prompt), StringComparison.Ordinal) ? 1 : 0,
        ["ended"] = (_, answer) => answer.IsEnded ? 1 : 0,
    };

    /// <summary>The mean of a reward over the likeliest answers of a policy.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="prompts">The prompts, at least one.</param>
    /// <param name="reward">The reward.</param>
    /// <param name="longest">The most ids of an answer.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public static double Mean(Models.Decoder policy, Text.Tokenizer tokenizer, Compute.Workers workers, IReadOnlyList<PolicyPrompt> prompts, PolicyReward reward,
        int longest, CancellationToken cancellation = default)
    {
        Require.That(prompts.Count > 0, $"rewards: there must be at least one prompt");
        using RolloutMaker maker = new(policy, workers, ids: Math.Min(tokenizer.VocabularySize, policy.VocabularySize));
        double sum = 0;
        foreach (Rollout rollout in maker.Make([.. prompts.Select(prompt => prompt.Ids)], 1, longest, random: null, cancellation))
            sum += reward(prompts[rollout.Prompt], AnswerOf(rollout, tokenizer));
        return sum / prompts.Count;
    }

    internal static PolicyAnswer AnswerOf(Rollout rollout, Text.Tokenizer tokenizer)
    {
        int[] ids = rollout.Ids[rollout.PromptLength..];
        return new PolicyAnswer(tokenizer.Decode(rollout.IsEnded ? ids[..^1] : ids), ids, rollout.IsEnded);
    }

    private static string Known(PolicyPrompt prompt) => prompt.Answer
        ?? throw new InvalidOperationException("this reward compares with the known answer, but the prompt has none");
}
