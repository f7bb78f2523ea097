using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Evaluation.Tasks;

/// <summary>Which of two models' answers a reward model likes better.</summary>
public static class RewardJudge
{
    /// <summary>The reward of each answer: the number at the last token of the question with it, as the template writes both.</summary>
    /// <param name="reward">A decoder with one number a row (<see cref="Decoder.WithScores"/>), tuned to rank answers.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="template">Its chat template.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="result">What a model wrote to questions.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="InvalidDataException">A question with its answer does not fit the reward model's longest sequence.</exception>
    public static IReadOnlyList<double> Rewards(Decoder reward, Tokenizer tokenizer, ChatTemplate template, Workers workers, TaskResult result,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(reward);
        ArgumentNullException.ThrowIfNull(template);
        ArgumentNullException.ThrowIfNull(result);
        Require.That(reward.Config.Scores == 1, $"judge: a reward model has one number a row, but this one has {reward.Config.Scores}");
        Require.That(result.Task.Items[0] is QuestionItem, $"judge: it reads written answers, but '{result.Task.Name}' is {result.Task.Items[0].Form}");
        using Tape tape = new(workers, reward.Parameters) { Recording = false };
        double[] rewards = new double[result.Answers.Count];
        for (int i = 0; i < rewards.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            TaskItem item = result.Task.Items[i];
            string text = template.Render([new ChatMessage("user", item.Prompt), new ChatMessage("assistant", result.Answers[i])],
                new ChatOptions { Now = TaskPrompts.Day });
            int[] ids = tokenizer.Encode(text, addSpecialTokens: false);
            if (ids.Length == 0 || ids.Length > reward.MaximumLength)
                throw new InvalidDataException($"{item.Source}: the judge reads 1 to {reward.MaximumLength} tokens, but the question with its answer "
                    + $"has {ids.Length}");
            rewards[i] = tape[reward.LastScores(tape, Rows.One(ids))][0];
            tape.Rewind();
        }
        return rewards;
    }

    /// <summary>The share of items whose first reward is the larger one, equal ones with a half.</summary>
    /// <param name="a">The rewards of the first model's answers.</param>
    /// <param name="b">Those of the second model's, to the same items.</param>
    public static TaskScore WinRate(IReadOnlyList<double> a, IReadOnlyList<double> b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        Require.That(a.Count == b.Count && a.Count > 0, $"judge: two rewards an item are compared, at least of one item, but there are {a.Count} and {b.Count}");
        return TaskScore.Mean("win rate", a.Zip(b, (x, y) => x > y ? 1 : x == y ? 0.5 : 0));
    }
}
