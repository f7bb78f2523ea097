namespace Lemma.Evaluation.Tasks;

/// <summary>A score of many items: Σ sᵢ/Σ wᵢ, the mean where each weighs 1.</summary>
/// <param name="Name">What tables call it.</param>
/// <param name="Sums">s of each item.</param>
/// <param name="Weights">w of each item, such as its tokens; positive.</param>
/// <param name="IsHigherBetter">Whether more is better.</param>
/// <param name="IsExponential">Whether the score is e to the ratio, as perplexity is of the loss.</param>
public sealed record TaskScore(string Name, IReadOnlyList<double> Sums, IReadOnlyList<double> Weights, bool IsHigherBetter = true, bool IsExponential = false)
{
    /// <summary>A mean, each item with the weight 1.</summary>
    internal static TaskScore Mean(string name, IEnumerable<double> values)
    {
        double[] all = [.. values], ones = new double[all.Length];
        Array.Fill(ones, 1);
        return new(name, all, ones);
    }

    /// <summary>The score.</summary>
    public double Value => Of(Sums.Sum(), Weights.Sum());

    /// <summary>√(n/(n − 1)·Σ (sᵢ − r·wᵢ)²)/Σ wᵢ of the ratio r: where all weights are 1, the sample's deviation over √n. NaN for one item.</summary>
    /// <remarks>Of an exponential score times the score, the first term of its expansion. Items are the sample, not their tokens.</remarks>
    public double StandardError
    {
        get
        {
            (double weight, double squares, int n) = (Weights.Sum(), 0, Sums.Count);
            double ratio = Sums.Sum() / weight;
            for (int i = 0; i < n; i++)
                squares += (Sums[i] - ratio * Weights[i]) * (Sums[i] - ratio * Weights[i]);
            return n < 2 ? double.NaN : Math.Sqrt(squares * n / (n - 1)) / weight * (IsExponential ? Math.Exp(ratio) : 1);
        }
    }

    /// <summary>The score of one item on its own.</summary>
    public double Of(int item) => Of(Sums[item], Weights[item]);

    internal double Of(double sum, double weight) => IsExponential ? Math.Exp(sum / weight) : sum / weight;
}

/// <summary>What a model reached in a task.</summary>
/// <param name="Task">The task.</param>
/// <param name="PromptForm">The form of the prompts: "chat template" or "plain text".</param>
/// <param name="Scores">The scores, of all items in their order.</param>
/// <param name="Answers">Of questions what the model wrote, of choices the likeliest, of a cloze nothing.</param>
/// <param name="Chance">Of choices what guessing reaches, the mean of 1/choices; null otherwise.</param>
public sealed record TaskResult(EvaluationTask Task, string PromptForm, IReadOnlyList<TaskScore> Scores, IReadOnlyList<string> Answers, double? Chance = null);
